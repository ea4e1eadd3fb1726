// SPDX-License-Identifier: Apache-2.0

/** How far a step is; `total` may be an estimate. Bytes are bytes on the wire or on disk. */
export interface Amount {
  done: number
  total?: number | undefined
  unit: 'bytes' | 'files' | 'objects' | 'packages'
}

/** What happens during a set-up. Steps overlap in time; a step that is taken several times says in `label` for what. */
export type ProgressEvent =
  | ({ kind: 'start' } & Taken)
  | ({ kind: 'advance'; amount: Amount; doing?: string | undefined } & Taken)
  | ({ kind: 'wait'; text: string } & Taken)
  | ({ kind: 'end'; ms: number; outcome: 'present' | 'made'; detail?: string | undefined } & Taken)

interface Taken {
  step: Step
  label?: string | undefined
}

/** Receives the events of a set-up, in order. Must not throw. */
export type Progress = (event: ProgressEvent) => void

/** The steps of a set-up in the order of their start, for "step 3 of 8". */
export const STEPS = [
  'host tools',
  'package index',
  'kernel source',
  'kernel',
  'QEMU',
  'fork server',
  'Xen',
  'guest tools',
  'guest programs',
  'drivers',
  'initramfs',
] as const
export type Step = (typeof STEPS)[number]
