// SPDX-License-Identifier: Apache-2.0
/** Boards of other shapes than the usual one. */
import { expect, scenario } from '../../harness/index.ts'

scenario(
  'without any dom0, two domUs boot and take commands',
  {
    platform: 'xen',
    tags: ['dom0less'],
    board: { dom0: false, domUs: [{ name: 'DomU' }, { name: 'DomD' }] },
  },
  async ({ board }) => {
    expect(board.domains.map(({ name }) => name)).toEqual(['DomU', 'DomD'])
    for (const domain of board.domains) {
      const { stdout } = await domain.run('echo "I am $(cat /etc/guestrig/role)"')
      expect(stdout).toBe('I am domU\n')
      await expect(domain.console).toPrint(/Run \/init as init process/)
    }
    await expect(board.xenConsole).toPrint(/Xen is relinquishing|Std\. Loglevel|Freed \d+kB init memory/)
  },
)

scenario(
  'a domU of two processors is known to the store, and runs on both',
  { platform: 'xen', tags: ['dom0less'], board: { domUs: [{ name: 'Two', cpus: 2 }] } },
  async ({ board }) => {
    expect((await board.domain('Two').run('nproc')).stdout).toBe('2\n')
    expect(await board.domain('Two').wakesAfter(10)).toBe(true)
    for (const cpu of [0, 1]) {
      const path = `/local/domain/1/cpu/${cpu}/availability`
      expect((await board.domain('dom0').run(`xenstore-read ${path}`)).stdout).toBe('online\n')
    }
    expect((await board.xl('list', 'Two')).stdout).toMatch(/^Two +1 +192 +2 /m)
  },
)

scenario(
  'a command answers byte for byte and with its status, and the console shows nothing of it',
  { platform: ['xen', 'virt'], tags: ['commands'] },
  async ({ board }) => {
    for (const domain of board.domains) {
      const every = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256)
      const echoed = await domain.run(['cat'], { input: every })
      expect(Buffer.compare(echoed.bytes, every)).toBe(0)
      const result = await domain.run('echo out; echo err >&2; exit 37', { mayFail: true })
      expect(result).toMatchObject({ stdout: 'out\n', stderr: 'err\n', status: 37 })
      expect((await domain.run('kill -9 $$', { mayFail: true })).status).toBe(128 + 9)
      expect((await domain.run(['/no/such/program'], { mayFail: true })).status).toBe(127)
      await expect(domain.console).toStayQuietAbout(/^(out|err)$/)
    }
  },
)

scenario(
  'what a command prints on the console is there when the command has ended',
  { platform: ['xen', 'virt'], tags: ['commands'] },
  async ({ board }) => {
    for (const domain of board.domains) {
      for (let number = 1; number <= 20; number++) {
        domain.console.mark()
        await domain.run(`echo "${domain.name} says ${number}." >/dev/console`)
        expect(domain.console.texts().join('\n')).toContain(`${domain.name} says ${number}.`)
      }
    }
  },
)
