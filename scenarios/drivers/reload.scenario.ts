// SPDX-License-Identifier: Apache-2.0
/**
 * Every driver of `drivers/` is loaded, used, and unloaded a hundred times, and leaves nothing behind. On a kernel that looks for it (`guestrig run
 * --kernel 6.12+debug`: KASAN, lockdep, kmemleak) a wrong access, a wrong lock or lost memory fails the scenario.
 */
import {
  addressDataWindow,
  type Board,
  type ConfigFront,
  ecam,
  expect,
  RootComplex,
  scenario,
  VirtioFunction,
  XenHostBridge,
} from '../../harness/index.ts'

const BRIDGE = '/pcie@10000000'
const KEYS = { name: 'pseudo-hotplug', parameters: { keys: `4+${BRIDGE},5-${BRIDGE}` } }

const TIMES = 100
/** How often the bridge comes and goes while the driver is loaded. */
const TOGGLES = 5

interface Case {
  driver: string
  front: () => ConfigFront
  /** What the console says when the driver has its hardware. */
  says: RegExp
}

const CASES: Case[] = [
  { driver: 'xen-root-complex', front: ecam, says: /xen-root-complex: 0000:00:01\.0: no backend, no grants/ },
  {
    driver: 'pci-host-window',
    front: addressDataWindow,
    says: /pci-host-window 10000000\.pcie: PCI host bridge to bus/,
  },
  {
    driver: 'pci-host-ecam32',
    front: () => ecam({ widths: [4], compatible: 'guestrig,pci-host-ecam-32bit' }),
    says: /pci-host-ecam32 10000000\.pcie: PCI host bridge to bus/,
  },
]

const reload = (driver: string, times: number) => {
  const [file, module] = [`/lib/modules/guestrig/${driver}.ko`, driver.replaceAll('-', '_')]
  return `i=0; while [ $i -lt ${times} ]; do insmod ${file} && rmmod ${module} || exit 1; i=$((i+1)); done`
}

async function toggle(board: Board, says: RegExp): Promise<void> {
  const { console } = board.domain()
  console.mark()
  await board.domain().sysrq('4')
  // Mapping an ECAM of 256 MB takes a kernel with KASAN seconds.
  await expect(console).toPrint(says, { timeout: 30_000 })
  await expect(console).toPrint(/pseudo-hotplug: enable/, { timeout: 30_000 })
  await board.domain().sysrq('5')
  await expect(console).toPrint(/pseudo-hotplug: disable/, { timeout: 30_000 })
}

/** Where the kernel has kmemleak: looks for memory that nobody knows of. The first look finds what is on its way, so it counts the second. */
async function expectNothingLeaked(board: Board): Promise<void> {
  const scan = 'f=/sys/kernel/debug/kmemleak; [ -e $f ] || exit 0; echo scan >$f; echo scan >$f; cat $f'
  const { stdout } = await board.domain().run(scan, { timeout: 60_000 })
  expect(stdout).toBe('')
}

for (const { driver, front, says } of CASES) {
  scenario(
    `${driver} is loaded and unloaded a hundred times, and its hardware comes and goes`,
    {
      platform: 'virt',
      tags: ['drivers'],
      drivers: [KEYS],
      timeout: 300_000,
      devices: () => {
        const hostBridge = new XenHostBridge({ answer: () => 'no-backend' })
        const functions = [new VirtioFunction({ at: '00:01.0' })]
        return { root: new RootComplex({ config: front(), hostBridge, functions }) }
      },
    },
    async ({ board }) => {
      const guest = board.domain()
      await guest.run(reload(driver, TIMES / 2), { timeout: 90_000 })
      await guest.loadDriver(driver)
      for (let round = 0; round < TOGGLES; round++) await toggle(board, says)
      await guest.unloadDriver(driver)
      await guest.run(reload(driver, TIMES / 2), { timeout: 90_000 })
      await expectNothingLeaked(board)
    },
  )
}

scenario(
  'pseudo-hotplug is loaded and unloaded a hundred times, and toggles in between',
  {
    platform: 'virt',
    tags: ['drivers'],
    timeout: 300_000,
    devices: () => ({ root: new RootComplex({ functions: [new VirtioFunction({ at: '00:01.0' })] }) }),
  },
  async ({ board }) => {
    const guest = board.domain()
    await guest.run(reload('pseudo-hotplug', TIMES / 2), { timeout: 90_000 })
    await guest.loadDriver(KEYS.name, KEYS.parameters)
    for (let round = 0; round < TOGGLES; round++) await toggle(board, /pci 0000:00:01\.0: \[1af4:1044\]/)
    await guest.unloadDriver('pseudo-hotplug')
    await guest.run(reload('pseudo-hotplug', TIMES / 2), { timeout: 90_000 })
    await expectNothingLeaked(board)
  },
)
