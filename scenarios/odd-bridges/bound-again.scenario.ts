// SPDX-License-Identifier: Apache-2.0
/** Host bridges whose configuration space is no plain ECAM, with the drivers of `drivers/` for them. */
import {
  addressDataWindow,
  ecam,
  expect,
  msi,
  PciFunction,
  pciExpress,
  RootComplex,
  registerBar,
  scenario,
  serialNumber,
} from '../../harness/index.ts'

const HOTPLUG = { name: 'pseudo-hotplug', parameters: { keys: '4+/pcie@10000000,5-/pcie@10000000' } }

/** Extended capabilities, so that more than 256 bytes must be reached; a 16-bit register of each kind of access. */
const fn = () =>
  new PciFunction({
    ...{ at: '00:03.0', vendor: 0x104c, device: 0xb500, class: 0xff0000, interruptPin: 1 },
    bars: { 0: registerBar({ size: 4096, read: (offset) => offset }) },
    capabilities: [
      pciExpress({ type: 'root-complex-endpoint' }),
      msi({ vectors: 4 }),
      serialNumber(0x0011_2233_4455_6677n),
    ],
  })

const BRIDGES = [
  {
    driver: 'pci-host-window',
    what: 'a window of two registers',
    front: () => addressDataWindow(),
    says: /pci-host-window 10000000\.pcie: configuration space through a window at \[mem 0x10000000-0x10000fff/,
  },
  {
    driver: 'pci-host-ecam32',
    what: 'an ECAM of 32-bit accesses only',
    front: () => ecam({ widths: [4], compatible: 'guestrig,pci-host-ecam-32bit' }),
    says: /pci-host-ecam32 10000000\.pcie: ECAM at \[mem 0x10000000-0x1fffffff\] for \[bus 00-ff\]/,
  },
]

for (const { driver, what, front, says } of BRIDGES) {
  scenario(
    `functions are found and driven behind ${what}, and the bridge can be taken away and bound again`,
    {
      platform: ['virt', 'xen'],
      drivers: [HOTPLUG, driver],
      devices: () => ({ root: new RootComplex({ config: front(), functions: [fn()] }) }),
    },
    async ({ board }) => {
      const guest = board.domain()
      const found = /pci 0000:00:03\.0: BAR 0 \[mem 0x23000000-0x23000fff\]: assigned/
      await guest.sysrq('4')
      await expect(guest.console).toPrintInOrder([
        says,
        /pci 0000:00:03\.0: \[104c:b500\] type 00 class 0xff0000/,
        found,
        /pseudo-hotplug: enable/,
      ])
      // The serial number's capability is in the extended space; the file has 4096 bytes only when that can be read.
      const config = await guest.run(
        'dd if=/sys/bus/pci/devices/0000:00:03.0/config bs=1 skip=256 count=12 2>/dev/null | hexdump -v -e \'1/4 "%08x "\'',
      )
      expect(config.stdout.trim()).toBe('00010003 44556677 00112233')

      const drivers = `/sys/bus/platform/drivers/${driver}`
      await guest.run(`echo 10000000.pcie >${drivers}/unbind`)
      expect((await guest.run('ls /sys/bus/pci/devices')).stdout).not.toContain('0000:00:03.0')
      guest.console.mark()
      await guest.run(`echo 10000000.pcie >${drivers}/bind`)
      await expect(guest.console).toPrint(found)

      guest.console.mark()
      await guest.sysrq('5')
      await expect(guest.console).toPrint(/pseudo-hotplug: disable/)
      await guest.unloadDriver(driver)
      await guest.loadDriver(driver)
      await guest.sysrq('4')
      await expect(guest.console).toPrintInOrder([found, /pseudo-hotplug: enable/])
    },
  )
}
