// SPDX-License-Identifier: Apache-2.0
/** Functions and a whole host bridge that exist in TypeScript only, found by the stock drivers. */
import {
  expect,
  msi,
  PciFunction,
  pciExpress,
  powerManagement,
  RootComplex,
  registerBar,
  scenario,
} from '../../harness/index.ts'

const KEYS = { name: 'pseudo-hotplug', parameters: { keys: '4+/pcie@10000000', prefix: '/passthrough' } }

/** The register that is read says its own offset. */
const echo = () =>
  new PciFunction({
    ...{ at: '00:03.0', vendor: 0x104c, device: 0xb500, class: 0xff0000, interruptPin: 1 },
    bars: { 0: registerBar({ size: 4096, read: (offset) => offset }) },
    capabilities: [pciExpress({ type: 'root-complex-endpoint' }), powerManagement(), msi({ vectors: 4 })],
  })

scenario(
  'a modelled function is found on the emulator’s bridge',
  { platform: ['virt', 'xen'], drivers: [KEYS], devices: () => ({ fn: echo() }) },
  async ({ board }) => {
    await board.domain().sysrq('4')
    await expect(board.domain().console).toPrint(/pci 0000:00:03\.0: \[104c:b500\] type 00 class 0xff0000/)
  },
)

scenario(
  'a modelled root complex at the thread’s addresses is found by pci-host-generic',
  {
    platform: ['virt', 'xen'],
    drivers: [KEYS],
    devices: () => ({ root: new RootComplex({ functions: [echo()] }) }),
  },
  async ({ board }) => {
    await board.domain().sysrq('4')
    await expect(board.domain().console).toPrintInOrder([
      /pci-host-generic 10000000\.pcie: host bridge .*\/pcie@10000000 ranges:/,
      /pci-host-generic 10000000\.pcie: +MEM 0x0023000000\.\.0x0032ffffff -> 0x0023000000/,
      /pci-host-generic 10000000\.pcie: ECAM at \[mem 0x10000000-0x1fffffff\] for \[bus 00-ff\]/,
      /pci 0000:00:00\.0: \[1b36:0008\] type 00 class 0x060000/,
      /pci 0000:00:03\.0: \[104c:b500\] type 00 class 0xff0000/,
      /pci 0000:00:03\.0: BAR 0 \[mem 0x23000000-0x23000fff\]: assigned/,
    ])
  },
)
