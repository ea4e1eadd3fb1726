// SPDX-License-Identifier: Apache-2.0
/** A function with the register of `drivers/xen-root-complex/README.md`, as the scenarios of this folder want it to answer. */
import { dvsec, PciFunction, pciExpress } from '../../harness/index.ts'

const ASK = 0x8000_0000

const STATUS = { backend: 1, none: 2, unknown: 3, 'not yet': 4 } as const

/** A domid, or what else there is to say of a function; `silent`: the question stays in flight. */
export type Answer = number | Exclude<keyof typeof STATUS, 'backend'> | 'silent'

/** Answers by the function's address, such as `00:01.0`; the others are unknown. They can be changed at any time. */
export class BackendRegister {
  readonly answers: Record<string, Answer>
  /** Requester IDs, in the order in which they were asked for. */
  readonly asked: string[] = []
  readonly fn: PciFunction
  #held = 0

  constructor(answers: Record<string, Answer>, at = '00:1f.0') {
    this.answers = answers
    const query = {
      ...{ name: 'Query/Answer', offset: 0xc, width: 4 as const },
      onRead: () => this.#held,
      onWrite: ({ written, enables }: { written: number; enables: number }) => {
        if (enables === 0xffff_ffff && written >= ASK) this.#ask(written)
      },
    }
    this.fn = new PciFunction({
      ...{ at, vendor: 0x5853, device: 0x0002, class: 0x060000 },
      capabilities: [
        pciExpress({ type: 'root-complex-endpoint' }),
        dvsec({ vendor: 0x5853, id: 1, revision: 1, length: 0x10, registers: [query] }),
      ],
    })
  }

  #ask(written: number): void {
    const [bus, device, fn] = [(written >>> 8) & 0xff, (written >>> 3) & 0x1f, written & 7]
    const hex = (value: number) => value.toString(16).padStart(2, '0')
    const name = `${hex(bus)}:${hex(device)}.${fn}`
    this.asked.push(name)
    const answer = this.answers[name] ?? 'unknown'
    const echo = (written & 0xff) << 16
    if (answer === 'silent') this.#held = written
    else if (typeof answer === 'number') this.#held = (STATUS.backend << 28) | echo | answer
    else this.#held = (STATUS[answer] << 28) | echo
  }
}
