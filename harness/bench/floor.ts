// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises'
import type { Images } from '../../images/index.ts'
import { Emulator } from '../board/index.ts'

/** ms that QEMU takes to come up with an empty machine, answer, and quit. No board can be quicker. */
export async function measureFloor(images: Images, dir: string): Promise<number> {
  await mkdir(dir, { recursive: true })
  const startedAt = performance.now()
  const emulator = await Emulator.start({
    qemu: images.qemu,
    args: [
      '-machine',
      'virt',
      '-cpu',
      'cortex-a57',
      '-nodefaults',
      '-no-user-config',
      '-display',
      'none',
      '-S',
    ],
    uarts: [],
    wires: [],
    dir,
  })
  await emulator.stop()
  return performance.now() - startedAt
}
