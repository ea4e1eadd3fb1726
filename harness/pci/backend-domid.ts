// SPDX-License-Identifier: Apache-2.0
import { type Capability, dvsec } from './capabilities.ts'

/** What a root complex knows of a function's backend: its domid, or why there is none. */
export type BackendAnswer = number | 'no-backend' | 'unknown' | 'not-yet'

/** `drivers/xen-root-complex/README.md`, which specifies all of this. */
const DVSEC = { vendor: 0x5853, id: 0x0001, revision: 1, length: 0x10, query: 0x0c } as const
const ASK = 0x8000_0000
const STATUS = { backend: 1, 'no-backend': 2, unknown: 3, 'not-yet': 4 } as const

/**
 * The backend-domid register of a Xen PCI root complex: software writes a function's requester ID, and reads which domain serves it. `answer` is
 * asked each time; while its promise is pending, the query is in flight. A new query replaces one that is.
 */
export function backendDomid(answer: (bdf: string) => BackendAnswer | Promise<BackendAnswer>): Capability {
  let held = 0
  let asked = 0
  let failure: unknown
  const settle = (query: number, rid: number, result: BackendAnswer) => {
    if (query !== asked) return
    const status = typeof result === 'number' ? STATUS.backend : STATUS[result]
    const domid = typeof result === 'number' ? result & 0xffff : 0
    held = ((status << 28) | ((rid & 0xff) << 16) | domid) >>> 0
  }
  return dvsec({
    ...DVSEC,
    registers: [
      {
        ...{ name: 'Backend Domid', offset: DVSEC.query, width: 4, writable: 0 },
        onRead: () => {
          // What went wrong while nobody was reading is told to who reads.
          if (failure !== undefined) throw failure
          return held
        },
        onReset: () => {
          held = 0
          asked++
        },
        onWrite: ({ written, enables }) => {
          if (enables !== 0xffff_ffff || (written & ASK) === 0) return
          const rid = written & 0xffff
          const query = ++asked
          held = (ASK | rid) >>> 0
          const result = answer(bdfOf(rid))
          if (!(result instanceof Promise)) settle(query, rid, result)
          else {
            result.then(
              (late) => settle(query, rid, late),
              (error) => {
                failure = error
              },
            )
          }
        },
      },
    ],
  })
}

const hex = (value: number) => value.toString(16).padStart(2, '0')

/** The BDF of a requester ID. */
const bdfOf = (rid: number): string => `${hex(rid >> 8)}:${hex((rid >> 3) & 0x1f)}.${rid & 7}`
