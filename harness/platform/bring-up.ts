// SPDX-License-Identifier: Apache-2.0
/** How a scenario comes by its board: booted, or restored from a snapshot. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { forkServerOf, writeReproducer } from '../board/index.ts'
import { GuestCrash } from '../console/index.ts'
import type { Board } from './board.ts'
import { type BringUpOptions, bootWithDevices } from './booting.ts'
import { compileTree } from './device-tree.ts'
import { threadArguments } from './machine-arguments.ts'
import { nameOf } from './modelled.ts'
import type { BoardPlan, Planner, PlatformName } from './plan.ts'
import { restore } from './restoring.ts'
import { dropSnapshot, findSnapshot, snapshotKey } from './snapshot.ts'
import { takeSnapshot } from './taking.ts'
import { planVirt } from './virt.ts'
import { planXen } from './xen.ts'

const PLANNERS: Record<PlatformName, Planner> = { virt: planVirt, xen: planXen }

/**
 * Boots a board and waits until every domain is up.
 *
 * @throws HostProblem, GuestCrash, GuestHang: whatever kept it from coming up; nothing is left running.
 */
export async function bootBoard(platform: PlatformName, options: BringUpOptions): Promise<Board> {
  const plan = await prepare(platform, options)
  return await bootWithDevices(plan, options)
}

/**
 * A board that is up, restored from a snapshot where that can be: with its bridge `disabled`, and without a shell. The first of its
 * shape boots once, to take the snapshot.
 *
 * @throws HostProblem, GuestCrash, GuestHang as `bootBoard` does.
 */
export async function obtainBoard(platform: PlatformName, options: BringUpOptions): Promise<Board> {
  const plan = await prepare(platform, options)
  if (options.status === 'okay' || options.shell) return await bootWithDevices(plan, options)
  const key = snapshotKey(options.images, plan)
  const snapshot = (await findSnapshot(key)) ?? (await takeSnapshot(plan, key, options))
  try {
    return await restore(plan, snapshot, options)
  } catch (error) {
    // A snapshot that does not come up is damaged, whatever the reason: the next scenario takes a new one.
    if (error instanceof GuestCrash) throw error
    await writeFile(join(options.dir, 'restore-failed.txt'), String(error))
    await dropSnapshot(snapshot)
    return await bootWithDevices(plan, options)
  }
}

/** Everything of a board that can be had without starting it: its plan, and the files of its folder. */
async function prepare(platform: PlatformName, options: BringUpOptions): Promise<BoardPlan> {
  const { images, dir } = options
  // It takes as long as the rest of this, and whoever starts QEMU hears of its failure.
  void forkServerOf(images.qemu)
  await mkdir(dir, { recursive: true })
  const plan = await PLANNERS[platform](images, options, dir)
  await writeFile(join(dir, 'board.dts'), plan.tree)
  await compileTree(plan.tree, join(dir, 'board.dtb'))
  for (const { name, content } of plan.files) await writeFile(join(dir, name), content)
  // The models are here, and not in QEMU: a bare QEMU has nobody to connect to.
  const args = [...plan.machine, ...plan.boot, ...threadArguments('each'), ...plan.devices]
  const leftOut = plan.models.map(({ model }) => nameOf(model))
  await writeReproducer({
    command: images.qemu.command,
    args,
    uarts: plan.uarts,
    wires: plan.wires,
    dir,
    leftOut,
  })
  return plan
}
