// SPDX-License-Identifier: Apache-2.0

/** How far a step is; `total` may be an estimate. Bytes are bytes on the wire or on disk. */
export interface Amount {
  done: number
  total?: number | undefined
  unit: 'bytes' | 'objects' | 'packages'
}

/** What happens during a set-up. Steps overlap in time; `step` is the title that names one. */
export type ProgressEvent =
  | { kind: 'start'; step: string }
  | { kind: 'advance'; step: string; amount: Amount; doing?: string | undefined }
  | { kind: 'wait'; step: string; text: string }
  | { kind: 'end'; step: string; ms: number; outcome: 'present' | 'made'; detail?: string | undefined }
  | { kind: 'note'; text: string }
  | { kind: 'warning'; text: string }

/** Receives the events of a set-up, in order. Must not throw. */
export type Progress = (event: ProgressEvent) => void

/** The steps of a set-up in the order of their start, for "step 3 of 8". */
export const STEPS = [
  'host tools',
  'package index',
  'kernel source',
  'kernel',
  'QEMU',
  'Xen',
  'guest tools',
  'guest agent',
  'drivers',
  'initramfs',
] as const
export type Step = (typeof STEPS)[number]
