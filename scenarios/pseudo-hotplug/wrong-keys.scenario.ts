// SPDX-License-Identifier: Apache-2.0
/** Keys and paths that mean nothing are said plainly, and change nothing. */
import { expect, scenario } from '../../harness/index.ts'
import { functions, loadPseudoHotplug, PLACES, statusOf } from './board-under-test.ts'

scenario(
  'a key without an entry changes nothing, and does not lower the log level',
  { platform: ['xen', 'virt'], board: { devices: functions() } },
  async ({ board, platform }) => {
    const guest = board.domain()
    await loadPseudoHotplug(board)
    const logLevel = await guest.read('/proc/sys/kernel/printk')

    await guest.sysrq('9')

    await expect(guest.console).toPrint(/pseudo-hotplug: key '9' has no entry/)
    await expect(guest.console).toStayQuietAbout(/pci-host-generic|sysrq: Changing Loglevel/)
    expect(await guest.read('/proc/sys/kernel/printk')).toBe(logLevel)
    expect(await statusOf(board, PLACES[platform].bridge)).toBe('disabled')
  },
)

scenario(
  'a path without a node is named, and the next key still works',
  { platform: ['xen', 'virt'], board: { devices: functions() } },
  async ({ board, platform }) => {
    const guest = board.domain()
    const { bridge } = PLACES[platform]
    await guest.loadDriver('pseudo-hotplug', { keys: `6+/nowhere@123,4+${bridge}` })

    await guest.sysrq('6')
    await expect(guest.console).toPrint(/pseudo-hotplug: key '6': no node \/nowhere@123/)

    await guest.sysrq('4')
    await expect(guest.console).toPrint(new RegExp(`pseudo-hotplug: enable ${bridge}`))
  },
)
