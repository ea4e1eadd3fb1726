// SPDX-License-Identifier: Apache-2.0
/** Failures that a scenario wants: it passes when they come, with the title and the domain that they should have. */
import { expect, RootComplex, scenario } from '../../harness/index.ts'

scenario(
  'a crash by sysrq is seen with its title, in the domain that it came in',
  { platform: ['virt', 'xen'], tags: ['failures'] },
  async ({ board }) => {
    const guest = board.domain()
    const crash = board.expectCrash(/sysrq triggered crash/)
    // Nobody comes back from it.
    void guest.run('echo c >/proc/sysrq-trigger').catch(() => {})
    const { title, domain, kind, report, complete } = await crash
    expect({ title, domain, kind, complete }).toEqual({
      ...{ title: 'kernel panic: sysrq triggered crash', kind: 'panic', complete: true },
      domain: guest.name,
    })
    expect(report.at(-1)).toMatch(/---\[ end Kernel panic - not syncing: sysrq triggered crash \]---/)
    if (board.platform === 'xen') expect(await board.domain('dom0').isAlive()).toBe(true)
  },
)

scenario(
  'an ECAM that nobody answers kills the guest, and the guilty function is the one that reads it',
  {
    platform: 'xen',
    tags: ['failures'],
    drivers: [{ name: 'pseudo-hotplug', parameters: { keys: '4+/pcie@10000000', prefix: '/passthrough' } }],
    devices: () => ({ root: new RootComplex({ answered: false }) }),
  },
  async ({ board }) => {
    const crash = board.expectCrash(/in pci_generic_config_read$/)
    await board.domain().sysrq('4')
    expect((await crash).frame).toBe('pci_generic_config_read')
  },
)
