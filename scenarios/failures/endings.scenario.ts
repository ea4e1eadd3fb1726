// SPDX-License-Identifier: Apache-2.0
/** Guests that are gone without a word of their own. */
import { expect, scenario } from '../../harness/index.ts'

scenario(
  'a guest that resets the machine without a word is told by its end',
  { platform: 'virt', tags: ['failures'] },
  async ({ board }) => {
    const end = board.expectCrash(/^the guest ended the machine: guest-reset$/)
    void board
      .domain()
      .run('echo b >/proc/sysrq-trigger')
      .catch(() => {})
    expect(await end).toMatchObject({ kind: 'machine-ended', domain: 'linux', complete: true })
  },
)

scenario(
  'a domU that reboots without a word is told by what dom0 sees of it',
  { platform: 'xen', tags: ['failures'] },
  async ({ board, measured }) => {
    const end = board.expectCrash(/^domain DomU shut down: reboot$/)
    const begin = performance.now()
    void board
      .domain('DomU')
      .run('echo b >/proc/sysrq-trigger')
      .catch(() => {})
    expect(await end).toMatchObject({ kind: 'domain-ended', domain: 'DomU', complete: true })
    measured('from the key to the verdict', performance.now() - begin)
    expect(await board.domain('dom0').isAlive()).toBe(true)
  },
)

scenario(
  'a domU that powers itself off is told by what dom0 sees of it',
  { platform: 'xen', tags: ['failures'] },
  async ({ board }) => {
    const end = board.expectCrash(/^domain DomU shut down: poweroff$/)
    void board
      .domain('DomU')
      .run('poweroff -f')
      .catch(() => {})
    expect(await end).toMatchObject({ kind: 'domain-ended', domain: 'DomU', complete: true })
  },
)

scenario(
  'a domU that dom0 destroys is told at once',
  { platform: 'xen', tags: ['failures'] },
  async ({ board, measured }) => {
    const end = board.expectCrash(/^domain DomU was destroyed$/)
    const begin = performance.now()
    await board.xl('destroy', 'DomU')
    measured('xl destroy', performance.now() - begin)
    expect(await end).toMatchObject({ kind: 'domain-ended', domain: 'DomU', complete: true })
    measured('from xl destroy to the verdict', performance.now() - begin)
    expect(await board.domain('dom0').isAlive()).toBe(true)
  },
)

scenario(
  'a hypervisor that reboots the machine by a debug key says so, and the machine ends',
  { platform: 'xen', tags: ['failures'] },
  async ({ board }) => {
    const said = board.expectCrash(/^Xen: rebooting machine, by debug key R$/)
    const end = board.expectCrash(/^the guest ended the machine: guest-reset$/)
    void board.xl('debug-keys', 'R').catch(() => {})
    expect(await said).toMatchObject({ kind: 'xen-reboot', domain: 'Xen', complete: true })
    expect(await end).toMatchObject({ kind: 'machine-ended', domain: 'Xen', complete: true })
  },
)

scenario(
  'a dom0 that reboots takes the machine with it',
  { platform: 'xen', tags: ['failures'] },
  async ({ board }) => {
    const said = board.expectCrash(/^hardware domain 0 shut down: rebooting machine$/)
    const end = board.expectCrash(/^the guest ended the machine: guest-reset$/)
    void board
      .domain('dom0')
      .run('echo b >/proc/sysrq-trigger')
      .catch(() => {})
    expect(await said).toMatchObject({ kind: 'hardware-domain-ended', domain: 'Xen', complete: true })
    expect(await end).toMatchObject({ kind: 'machine-ended', domain: 'Xen', complete: true })
  },
)
