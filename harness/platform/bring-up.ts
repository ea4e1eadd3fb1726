// SPDX-License-Identifier: Apache-2.0
/** How a board comes up: booted, or restored from a snapshot. */
import { execFile } from 'node:child_process'
import { closeSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Images } from '../../images/index.ts'
import {
  Emulator,
  INHERITED_RAM,
  namelessFile,
  ramFileArguments,
  restoreArguments,
  restored,
  saveState,
  TO_BE_SAVED,
  writeReproducer,
} from '../board/index.ts'
import { type ConsoleLine, GuestCrash } from '../console/index.ts'
import { RootComplex } from '../pci/index.ts'
import { Board } from './board.ts'
import { watchBoot } from './boot-watch.ts'
import { compileTree } from './device-tree.ts'
import { hangOf } from './hang.ts'
import { Models, nameOf, needSharedMemory, type PlannedModel } from './modelled.ts'
import type { BoardOptions, BoardPlan, Planner, PlatformName } from './plan.ts'
import { untilQuiet } from './processors.ts'
import {
  dropSnapshot,
  findSnapshot,
  keepSnapshot,
  newSnapshot,
  readConsoles,
  type Snapshot,
  snapshotKey,
} from './snapshot.ts'
import { planVirt } from './virt.ts'
import { planXen } from './xen.ts'

const run = promisify(execFile)

const PLANNERS: Record<PlatformName, Planner> = { virt: planVirt, xen: planXen }

/** ms that an idle machine takes to restore a board until every domain answers. */
const REFERENCE_RESTORE = 250

/** ms after which a snapshot is taken of guests that do not become quiet. */
const LONGEST_UNREST = 10_000

export type BringUpOptions = BoardOptions & {
  images: Images
  /** The run's folder. */
  dir: string
  /** Gets a board that boots before the guest has printed anything. */
  started?: (board: Board) => void
}

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
  await mkdir(dir, { recursive: true })
  const plan = await PLANNERS[platform](images, options, dir)
  await writeFile(join(dir, 'board.dts'), plan.tree)
  await compileTree(plan.tree, join(dir, 'board.dtb'))
  for (const { name, content } of plan.files) await writeFile(join(dir, name), content)
  // The models are here, and not in QEMU: a bare QEMU has nobody to connect to.
  const args = [...plan.machine, ...plan.boot, ...plan.devices]
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

/** What a board is started with, beside its machine. */
interface Extras {
  /** QEMU's arguments. */
  args: string[]
  models: PlannedModel[]
  /** File descriptor of the RAM that the models share, if they do. It is closed here. */
  ram?: number | undefined
}

/** Starts QEMU with the plan's machine and more. The guest runs unless QEMU was told to wait. */
async function start(plan: BoardPlan, extras: Extras, { images, dir }: BringUpOptions): Promise<Board> {
  const models = new Models(extras.models, dir)
  try {
    const args = [...plan.machine, ...extras.args, ...models.listen()]
    const { uarts, wires } = plan
    const { command } = images.qemu
    const emulator = await Emulator.start({ command, args, uarts, wires, dir, ram: extras.ram })
    models.connected()
    return new Board(plan, dir, emulator, models)
  } catch (error) {
    models.close()
    throw error
  }
}

async function boot(plan: BoardPlan, extras: Extras, options: BringUpOptions): Promise<Board> {
  const args = [...plan.boot, ...extras.args, ...waitIf(extras.models)]
  const board = await start(plan, { ...extras, args }, options)
  options.started?.(board)
  try {
    if (mustBePlaced(extras.models)) await placeModels(board)
    await watchBoot(board)
  } catch (error) {
    await board.stop()
    throw error
  }
  board.isUp(plan.referenceBoot)
  return board
}

/** A board of its own, not from a snapshot. Models that share its RAM find it in a file that has no name. */
async function bootWithDevices(plan: BoardPlan, options: BringUpOptions): Promise<Board> {
  const { devices, models } = plan
  if (!needSharedMemory(models)) return await boot(plan, { args: devices, models }, options)
  const args = [...devices, ...ramFileArguments(INHERITED_RAM, plan.memory, true)]
  return await boot(plan, { args, models, ram: namelessFile(options.dir) }, options)
}

async function takeSnapshot(plan: BoardPlan, key: string, options: BringUpOptions): Promise<Snapshot> {
  const snapshot = await newSnapshot(key)
  try {
    const args = [...ramFileArguments(snapshot.ram, plan.memory, true), ...TO_BE_SAVED]
    const board = await boot(plan, { args, models: [] }, options)
    try {
      // What a guest still does after its boot, every scenario would do again.
      await untilQuiet(board.emulator, LONGEST_UNREST)
      await saveState(board.emulator.qmp, snapshot.state)
      const consoles = Object.fromEntries(
        board.consoles.map(({ domain, lines }) => [domain, lines.map(withoutOffsets)]),
      )
      await writeFile(snapshot.consoles, JSON.stringify(consoles))
    } finally {
      await board.stop()
    }
    return await keepSnapshot(key, snapshot)
  } catch (error) {
    await dropSnapshot(snapshot)
    throw error
  }
}

async function restore(plan: BoardPlan, snapshot: Snapshot, options: BringUpOptions): Promise<Board> {
  const consoles = await readConsoles(snapshot)
  const { models } = plan
  const shared = needSharedMemory(models)
  const ram = shared ? await copyOfRam(snapshot, options.dir) : undefined
  const args = [
    ...plan.devices,
    ...ramFileArguments(shared ? INHERITED_RAM : snapshot.ram, plan.memory, shared),
    ...restoreArguments(snapshot.state),
    ...waitIf(models),
  ]
  const board = await start(plan, { args, models, ram }, options)
  try {
    // What was printed before the snapshot was printed on this board: a scenario sees no difference.
    for (const console of board.consoles) {
      for (const line of consoles[console.domain] ?? []) console.push(line)
    }
    if (mustBePlaced(models)) {
      await restored(board.emulator.qmp, board.failed)
      await placeModels(board)
    }
    await checkAlive(board)
  } catch (error) {
    await board.stop()
    throw error
  }
  board.restored = true
  board.isUp(REFERENCE_RESTORE)
  return board
}

/** A root complex is not where the guest looks for it until its windows are placed. */
const mustBePlaced = (models: readonly PlannedModel[]): boolean =>
  models.some(({ model }) => model instanceof RootComplex)

/** QEMU's argument for a machine whose models must be placed before it runs. */
const waitIf = (models: readonly PlannedModel[]): string[] => (mustBePlaced(models) ? ['-S'] : [])

async function placeModels({ models, emulator }: Board): Promise<void> {
  await models.place(emulator.qtest)
  await emulator.qmp.execute('cont')
}

/** The bytes of a line from a snapshot are in the wire's file of another run. */
function withoutOffsets({ wire, from, to, repair, ...line }: ConsoleLine): ConsoleLine {
  return repair ? { ...line, repair: { how: repair.how, sure: repair.sure } } : line
}

/** What the guest writes is seen by the models only in a file of the board's own; it is as sparse as the snapshot's. Its descriptor. */
async function copyOfRam({ ram }: Snapshot, dir: string): Promise<number> {
  const copy = namelessFile(dir)
  try {
    await run('cp', ['--sparse=always', '--reflink=auto', ram, `/proc/${process.pid}/fd/${copy}`])
    return copy
  } catch (error) {
    closeSync(copy)
    throw error
  }
}

async function checkAlive(board: Board): Promise<void> {
  const answers = await Promise.all(board.domains.map((domain) => domain.isTimeMoving()))
  board.failed.throwIfAborted()
  const silent = board.domains.filter((_, index) => !answers[index]).map(({ name }) => name)
  if (silent[0]) {
    const message = `after the restore there was no answer from ${silent.join(', ')}`
    throw await hangOf(board.emulator, silent[0], message)
  }
}
