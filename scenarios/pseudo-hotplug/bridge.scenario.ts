// SPDX-License-Identifier: Apache-2.0
/** The thread's own session: nothing of PCI, the signal, the host bridge and its devices, and back. */
import { expect, scenario } from '../../harness/index.ts'
import { functions, loadPseudoHotplug, namesIn, PLACES, statusOf } from './board-under-test.ts'

const ABOUT_PCI = /pci-host-generic|PCI host bridge|pci_bus |pci \d{4}:|virtio-pci/

scenario(
  'the guest boots with the bridge disabled, and nothing of PCI is on its console',
  { platform: ['xen', 'virt'], board: { devices: functions() } },
  async ({ board, platform }) => {
    await expect(board.domain().console).toStayQuietAbout(ABOUT_PCI)
    expect(await statusOf(board, PLACES[platform].bridge)).toBe('disabled')
    expect(await namesIn(board, '/sys/bus/pci/devices')).toEqual([])
  },
)

scenario(
  'the host bridge probes once its node is enabled',
  { platform: 'xen', board: { devices: functions() } },
  async ({ board }) => {
    const domU = board.domain('DomU')
    await loadPseudoHotplug(board)

    await board.xl('sysrq', 'DomU', '4')

    await expect(domU.console).toPrintInOrder([
      /pseudo-hotplug: got key '4'/,
      /pci-host-generic 10000000\.pcie: host bridge \/passthrough\/pcie@10000000 ranges:/,
      /pci-host-generic 10000000\.pcie: +MEM 0x0023000000\.\.0x0032ffffff -> 0x0023000000/,
      /pci-host-generic 10000000\.pcie: +MEM 0x0100000000\.\.0x01ffffffff -> 0x/,
      /pci-host-generic 10000000\.pcie: ECAM at \[mem 0x10000000-0x1fffffff\] for \[bus 00-ff\]/,
      /pci-host-generic 10000000\.pcie: PCI host bridge to bus 0000:00/,
      /pci_bus 0000:00: root bus resource \[bus 00-ff\]/,
      /pci_bus 0000:00: root bus resource \[mem 0x23000000-0x32ffffff\]/,
      /pci_bus 0000:00: root bus resource \[mem 0x100000000-0x1ffffffff pref\]/,
      /pci 0000:00:00\.0: \[1b36:0008\] type 00 class 0x060000/,
      /pci 0000:00:01\.0: \[1af4:1041\] type 00 class 0x020000/,
      /pci 0000:00:02\.0: \[1af4:1044\] type 00 class 0x00ff00/,
      /pci 0000:00:01\.0: BAR 4 \[mem 0x100000000-0x100003fff 64bit pref\]: assigned/,
      /pci 0000:00:02\.0: BAR 4 \[mem 0x100004000-0x100007fff 64bit pref\]: assigned/,
      /virtio-pci 0000:00:01\.0: enabling device \(0000 -> 0002\)/,
      /virtio-pci 0000:00:02\.0: enabling device \(0000 -> 0002\)/,
      /pseudo-hotplug: enable \/passthrough\/pcie@10000000/,
    ])
    expect(await statusOf(board, PLACES.xen.bridge)).toBe('okay')
  },
)

scenario(
  'the host bridge probes once its node is enabled',
  { platform: 'virt', board: { devices: functions() } },
  async ({ board }) => {
    const linux = board.domain()
    await loadPseudoHotplug(board)

    await linux.sysrq('4')

    await expect(linux.console).toPrintInOrder([
      /pseudo-hotplug: got key '4'/,
      /pci-host-generic 4010000000\.pcie: host bridge \/pcie@10000000 ranges:/,
      /pci-host-generic 4010000000\.pcie: ECAM at \[mem 0x4010000000-0x401fffffff\] for \[bus 00-ff\]/,
      /pci-host-generic 4010000000\.pcie: PCI host bridge to bus 0000:00/,
      /pci_bus 0000:00: root bus resource \[bus 00-ff\]/,
      /pci_bus 0000:00: root bus resource \[mem 0x10000000-0x3efeffff\]/,
      /pci 0000:00:01\.0: \[1af4:1041\] type 00 class 0x020000/,
      /pci 0000:00:02\.0: \[1af4:1044\] type 00 class 0x00ff00/,
      /pci 0000:00:01\.0: BAR 4 .*: assigned/,
      /virtio-pci 0000:00:01\.0: enabling device \(0000 -> 0002\)/,
      /pseudo-hotplug: enable \/pcie@10000000/,
    ])
    expect(await statusOf(board, PLACES.virt.bridge)).toBe('okay')
  },
)

scenario(
  'the bridge and every device under it go, and come back',
  { platform: ['xen', 'virt'], board: { devices: functions() } },
  async ({ board, platform }) => {
    const guest = board.domain()
    const { bridge, ecam } = PLACES[platform]
    const pciFunctions = ['0000:00:00.0', '0000:00:01.0', '0000:00:02.0']
    await loadPseudoHotplug(board)
    const virtioBefore = await namesIn(board, '/sys/bus/virtio/devices')

    await guest.sysrq('4')
    await expect(guest.console).toPrint(new RegExp(`pseudo-hotplug: enable ${bridge}`))
    expect(await namesIn(board, '/sys/bus/pci/devices')).toEqual(pciFunctions)
    expect(await namesIn(board, '/sys/bus/platform/devices')).toContain(ecam)

    guest.console.mark()
    await guest.sysrq('5')
    await expect(guest.console).toPrint(new RegExp(`pseudo-hotplug: disable ${bridge}`))
    expect(await namesIn(board, '/sys/bus/pci/devices')).toEqual([])
    expect(await namesIn(board, '/sys/bus/platform/devices')).not.toContain(ecam)
    expect(await namesIn(board, '/sys/bus/virtio/devices')).toEqual(virtioBefore)
    expect(await statusOf(board, bridge)).toBe('disabled')

    guest.console.mark()
    await guest.sysrq('4')
    await expect(guest.console).toPrintInOrder([
      /pci-host-generic .*: PCI host bridge to bus 0000:00/,
      /pci 0000:00:01\.0: \[1af4:1041\]/,
      new RegExp(`pseudo-hotplug: enable ${bridge}`),
    ])
    expect(await namesIn(board, '/sys/bus/pci/devices')).toEqual(pciFunctions)
  },
)
