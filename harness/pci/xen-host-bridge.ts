// SPDX-License-Identifier: Apache-2.0
import { bdfOf } from './bdf.ts'
import { type Capability, dvsec, pciExpress } from './capabilities.ts'
import type { RegisterWrite } from './config-space.ts'
import { PciFunction } from './function.ts'

/** What a root complex knows of a function's backend: its domid, or why there is none. */
export type BackendAnswer = number | 'no-backend' | 'unknown' | 'not-yet'

export interface XenHostBridgeOptions {
  /** Asked for each function, by BDF. While a promise is pending the query is in flight; a new query replaces it. */
  answer: (bdf: string) => BackendAnswer | Promise<BackendAnswer>
  /** Where it stands on the root bus; default 00:00.0. QEMU's own bridge keeps that for itself: take another there. */
  at?: string
}

/** `drivers/xen-root-complex/README.md`, which specifies all of this. */
const DVSEC = { vendor: 0x5853, id: 0x0001, revision: 1, length: 0x14, query: 0x0c, notice: 0x10 } as const
const ASK = 0x8000_0000
const STATUS = { backend: 1, 'no-backend': 2, unknown: 3, 'not-yet': 4 } as const
const NOTICE = { changed: 1, enable: 2 } as const

/**
 * The host bridge function of a Xen PCI root complex: software writes a function's requester ID into its register, and reads which domain
 * serves the function. It can tell by an interrupt that there is something new.
 */
export class XenHostBridge extends PciFunction {
  readonly #answer: XenHostBridgeOptions['answer']
  readonly #dvsec: Capability
  #held = 0
  #asked = 0
  #failure: unknown

  constructor({ answer, at = '00:00.0' }: XenHostBridgeOptions) {
    const register = dvsec({
      ...DVSEC,
      registers: [
        {
          ...{ name: 'Query/Answer', offset: DVSEC.query, width: 4 as const },
          onRead: () => this.#read(),
          onWrite: (write) => this.#ask(write),
        },
        {
          ...{ name: 'Notice', offset: DVSEC.notice, width: 4 as const },
          ...{ writable: NOTICE.enable, clearedByOne: NOTICE.changed },
          onWrite: () => this.#drive(),
        },
      ],
    })
    super({
      ...{ at, vendor: 0x5853, device: 0x0002, class: 0x060000, interruptPin: 1 },
      capabilities: [pciExpress({ type: 'root-complex-endpoint' }), register],
      onReset: () => this.#reset(),
    })
    this.#answer = answer
    this.#dvsec = register
  }

  /** Something behind the root complex has changed: functions are there that were not, or a backend is ready. Software is told. */
  changed(): void {
    const at = this.placeOf(this.#dvsec) + DVSEC.notice
    this.config.set(at, 4, this.config.get(at, 4) | NOTICE.changed)
    this.#drive()
  }

  #drive(): void {
    const notice = this.config.get(this.placeOf(this.#dvsec) + DVSEC.notice, 4)
    const asserted = notice === (NOTICE.changed | NOTICE.enable)
    if (asserted !== this.intx) this.intx = asserted
  }

  #read(): number {
    // What went wrong while nobody was reading is told to who reads.
    if (this.#failure !== undefined) throw this.#failure
    return this.#held
  }

  #ask({ written, enables }: RegisterWrite): void {
    if (enables !== 0xffff_ffff || (written & ASK) === 0) return
    const rid = written & 0xffff
    const query = ++this.#asked
    this.#held = (ASK | rid) >>> 0
    const settle = (result: BackendAnswer) => {
      if (query === this.#asked) this.#held = answered(rid, result)
    }
    const result = this.#answer(bdfOf(rid))
    if (!(result instanceof Promise)) settle(result)
    else {
      result.then(settle, (error) => {
        this.#failure = error
      })
    }
  }

  #reset(): void {
    this.#held = 0
    this.#asked++
  }
}

function answered(rid: number, result: BackendAnswer): number {
  const status = typeof result === 'number' ? STATUS.backend : STATUS[result]
  const domid = typeof result === 'number' ? result & 0xffff : 0
  return ((status << 28) | ((rid & 0xff) << 16) | domid) >>> 0
}
