// SPDX-License-Identifier: Apache-2.0
/** What functions written in TypeScript cost, and what they can do: the figures that they must hold. */
import { HostProblem, type Images } from '../../images/index.ts'
import { measureAccess } from './access.ts'
import { whileAwake } from './awake.ts'
import { INTERRUPTS, measureEndpoint } from './endpoint-run.ts'
import { FUNCTIONS, measureEnumeration } from './enumeration.ts'
import { atLeast, compared, type Figure, figure, none } from './figure.ts'
import { buildReferenceServer } from './reference-server.ts'

interface ModelsOptions {
  images: Images
  rounds: number
  /** Where the runs' folders go. */
  dir: string
  /** Hears what is measured next. */
  progress: (what: string) => void
}

/**
 * Measures models on boards of the platform `virt`:
 *
 * - a read of configuration space and of a BAR, beside the same function served by a minimal server in C, on the same board;
 * - the enumeration of a full bus, beside functions that QEMU has itself, on boards that are else alike;
 * - interrupts that the guest counts, and DMA whose data are checked on both sides, under the kernel's own driver for test endpoints.
 *
 * @throws HostProblem when something cannot be measured.
 */
export async function benchModels(options: ModelsOptions): Promise<Figure[]> {
  try {
    return await whileAwake(() => measure(options))
  } catch (error) {
    if (!(error instanceof Error) || error instanceof HostProblem) throw error
    throw new HostProblem(
      `the models could not be measured: ${error.message}`,
      'guestrig bench --out DIR keeps the consoles and traces.',
      { cause: error },
    )
  }
}

async function measure({ progress, ...options }: ModelsOptions): Promise<Figure[]> {
  const program = await buildReferenceServer(options.dir)
  progress('models: what an access costs')
  const access = await measureAccess({ ...options, program })
  progress(`models: the enumeration of ${FUNCTIONS} functions`)
  const enumeration = await measureEnumeration(options)
  progress('models: interrupts and DMA')
  const { its, gicv2m } = await measureEndpoint(options)
  const micro = (ns: number[]) => ns.map((sample) => sample / 1000)
  const inC = { name: 'in C', samples: micro(access.config.theirs) }
  const native = { name: "QEMU's own", samples: enumeration.native }
  return [
    compared(figure('config read', 'µs', micro(access.config.ours)), inC, { ratio: 2 }),
    compared(figure('BAR read', 'µs', micro(access.bar.ours)), {
      ...inC,
      samples: micro(access.bar.theirs),
    }),
    compared(
      figure(`${FUNCTIONS} functions found on QEMU's bridge`, 'ms', enumeration.functions),
      native,
      MORE,
    ),
    compared(
      figure(`${FUNCTIONS} functions found on a modelled bridge`, 'ms', enumeration.rootComplex),
      native,
      MORE,
    ),
    atLeast(10_000, figure('interrupts answered, GICv2m', '/s', gicv2m.answered)),
    figure('interrupts answered one by one, GICv2m', '/s', gicv2m.oneByOne),
    none(figure(`not counted of ${2 * INTERRUPTS}, GICv2m`, '', gicv2m.lost)),
    // What limits these is QEMU: for each LPI that is acknowledged it reads the whole table of pending ones, 7 KB byte by byte
    // (`update_for_all_lpis` in its `hw/intc/arm_gicv3_redist.c`).
    figure('interrupts answered, ITS', '/s', its.answered),
    figure('interrupts answered one by one, ITS', '/s', its.oneByOne),
    none(figure(`not counted of ${2 * INTERRUPTS}, ITS`, '', its.lost)),
    atLeast(10_000, figure('interrupts signalled without a pause, ITS', '/s', its.signalled)),
    figure(`counted of those ${INTERRUPTS}, ITS`, '', its.counted),
    atLeast(200, figure('DMA reads, shared RAM', 'MB/s', its.read)),
    atLeast(200, figure('DMA writes, shared RAM', 'MB/s', its.write)),
    atLeast(200, figure('DMA copies, shared RAM', 'MB/s', its.copy)),
    figure('DMA reads, by messages', 'MB/s', gicv2m.read),
    figure('DMA writes, by messages', 'MB/s', gicv2m.write),
    figure('DMA copies, by messages', 'MB/s', gicv2m.copy),
  ]
}

/** What the enumeration of modelled functions may take more, ms. */
const MORE = { difference: 100 }
