// SPDX-License-Identifier: Apache-2.0
/** A board from its plan: QEMU started, the guests booted. */
import type { Images } from '../../images/index.ts'
import { Emulator, INHERITED_RAM, namelessFile, ramFileArguments } from '../board/index.ts'
import { RootComplex } from '../pci/index.ts'
import { Board, type Printed } from './board.ts'
import { watchBoot } from './boot-watch.ts'
import { threadArguments } from './machine-arguments.ts'
import { Models, needSharedMemory, type PlannedModel } from './modelled.ts'
import type { BoardOptions, BoardPlan } from './plan.ts'

export type BringUpOptions = BoardOptions & {
  images: Images
  /** The run's folder. */
  dir: string
  /** Whether other boards keep all processors of the host busy; default false. */
  crowded?: boolean | undefined
  /** Gets a board that boots before the guest has printed anything. */
  started?: (board: Board) => void
}

/** What a board is started with, beside its machine. */
export interface Extras {
  /** QEMU's arguments. */
  args: string[]
  models: PlannedModel[]
  /** File descriptor of the RAM that the models share, if they do. It is closed here. */
  ram?: number | undefined
  /** What the machine had printed before it was saved. */
  printed?: Printed
}

/**
 * Starts QEMU with the plan's machine and more. It may still be on its way, and its guests, who run as soon as they can unless QEMU was told to
 * wait: until it `hasStarted`, the board is good for questions that wait for them.
 */
export async function launch(
  plan: BoardPlan,
  extras: Extras,
  { images, dir }: BringUpOptions,
): Promise<Board> {
  const models = new Models(extras.models, dir)
  try {
    const args = [...plan.machine, ...extras.args, ...models.listen()]
    const { uarts, wires } = plan
    const { qemu } = images
    const emulator = await Emulator.launch({ qemu, args, uarts, wires, dir, ram: extras.ram })
    return new Board(plan, dir, emulator, models, extras.printed)
  } catch (error) {
    models.close()
    throw error
  }
}

/** @throws HostProblem when QEMU has not started. */
export async function hasStarted({ emulator, models }: Board): Promise<void> {
  await emulator.answers
  models.connected()
}

export async function boot(plan: BoardPlan, extras: Extras, options: BringUpOptions): Promise<Board> {
  const args = [...plan.boot, ...threadArguments('each'), ...extras.args, ...waitIf(extras.models)]
  const board = await launch(plan, { ...extras, args }, options)
  try {
    await hasStarted(board)
    options.started?.(board)
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
export async function bootWithDevices(plan: BoardPlan, options: BringUpOptions): Promise<Board> {
  const { devices, models } = plan
  if (!needSharedMemory(models)) return await boot(plan, { args: devices, models }, options)
  const args = [...devices, ...ramFileArguments(INHERITED_RAM, plan.memory, true)]
  return await boot(plan, { args, models, ram: namelessFile(options.dir) }, options)
}

/** A root complex is not where the guest looks for it until its windows are placed. */
export const mustBePlaced = (models: readonly PlannedModel[]): boolean =>
  models.some(({ model }) => model instanceof RootComplex)

/** QEMU's argument for a machine whose models must be placed before it runs. */
export const waitIf = (models: readonly PlannedModel[]): string[] => (mustBePlaced(models) ? ['-S'] : [])

export async function placeModels({ models, emulator }: Board): Promise<void> {
  await models.place(emulator.qtest)
  await emulator.qmp.execute('cont')
}
