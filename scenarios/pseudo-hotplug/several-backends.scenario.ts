// SPDX-License-Identifier: Apache-2.0
/**
 * The thread's last rule: "signal should only be sent if all backends which serve virtio-pci devices within that PCI Host bridge are
 * ready". Two backends serve the bridge of DomU: dom0 and a driver domain, DomD. A backend that becomes ready makes its function
 * appear (behind a root port of its own) and says so in its xenstore; in dom0 a waiter watches both, and signals by `xl sysrq`.
 *
 * The bridge's root ports offer no hot-plug of their own to the guest (`pcie_ports=compat`), as the thread's bridge has none.
 */
import {
  type Board,
  expect,
  rootPort,
  type ScenarioOptions,
  scenario,
  virtioNet,
  virtioRng,
} from '../../harness/index.ts'
import { loadPseudoHotplug } from './board-under-test.ts'

const DOM0 = 0
const DOMD = 2

const net = virtioNet({ at: '01:00.0', bus: 'port1', backend: DOM0 })
const rng = virtioRng({ at: '02:00.0', bus: 'port2', backend: DOMD })

const options: ScenarioOptions = {
  platform: 'xen',
  tags: ['backends'],
  board: {
    domUs: [{ name: 'DomU' }, { name: 'DomD' }],
    devices: [rootPort({ at: '00:01.0', id: 'port1' }), rootPort({ at: '00:02.0', id: 'port2' })],
    later: [net, rng],
    bootargs: 'pcie_ports=compat',
  },
}

const ABOUT_PCI = /pci-host-generic|pci \d{4}:/

const readyKey = (domid: number): string => `/local/domain/${domid}/data/backend-ready`

/** xenstore-watch reports each path once when it begins, so that nothing is missed between a look and the watch. */
const WAITER = `
  say() { echo "<6>waiter: $*" >/dev/kmsg; }
  xenstore-watch ${readyKey(DOM0)} ${readyKey(DOMD)} | while read -r path; do
    missing=
    for domid in ${DOM0} ${DOMD}; do
      [ "$(xenstore-read /local/domain/$domid/data/backend-ready 2>/dev/null)" = yes ] || missing="$missing $domid"
    done
    [ -n "$missing" ] || { say "all backends are ready"; xl sysrq DomU 4; exit 0; }
    say "not ready: domid$missing"
  done`

async function makeReady(board: Board, backend: 'dom0' | 'DomD'): Promise<void> {
  await board.plug(backend === 'dom0' ? net : rng)
  // A domain writes below its own home, /local/domain/<domid>.
  const key = backend === 'dom0' ? readyKey(DOM0) : 'data/backend-ready'
  await board.domain(backend).run(['xenstore-write', key, 'yes'])
}

scenario('the signal waits until every backend of the bridge is ready', options, async ({ board }) => {
  const domU = board.domain('DomU')
  const dom0 = board.domain('dom0')
  await loadPseudoHotplug(board)
  await dom0.run(`(${WAITER}) >/dev/null 2>&1 &`)
  await expect(dom0.console).toPrint(/waiter: not ready: domid 0 2/)

  await makeReady(board, 'dom0')
  await expect(dom0.console).toPrint(/waiter: not ready: domid 2/)
  await expect(domU.console).toStayQuietAbout(ABOUT_PCI)

  await makeReady(board, 'DomD')
  await expect(dom0.console).toPrint(/waiter: all backends are ready/)
  await expect(domU.console).toPrintInOrder([
    /PCI host bridge to bus 0000:00/,
    /pci 0000:01:00\.0: \[1af4:1041\]/,
    /pci 0000:02:00\.0: \[1af4:1044\]/,
    /pseudo-hotplug: enable/,
  ])
})

scenario('a signal sent before a backend is ready loses its device for good', options, async ({ board }) => {
  const domU = board.domain('DomU')
  await loadPseudoHotplug(board)

  await makeReady(board, 'dom0')
  await board.xl('sysrq', 'DomU', '4')
  await expect(domU.console).toPrintInOrder([/pci 0000:01:00\.0: \[1af4:1041\]/, /pseudo-hotplug: enable/])

  await makeReady(board, 'DomD')
  await expect(domU.console).toStayQuietAbout(/pci 0000:02:00\.0/)
  expect((await domU.run('ls /sys/bus/pci/devices')).stdout).not.toContain('0000:02:00.0')

  // Only another round of the whole bridge finds it, and takes the working device away on the way.
  domU.console.mark()
  await board.xl('sysrq', 'DomU', '5')
  await expect(domU.console).toPrint(/pseudo-hotplug: disable/)
  await board.xl('sysrq', 'DomU', '4')
  await expect(domU.console).toPrintInOrder([
    /pci 0000:01:00\.0: \[1af4:1041\]/,
    /pci 0000:02:00\.0: \[1af4:1044\]/,
    /pseudo-hotplug: enable/,
  ])
})
