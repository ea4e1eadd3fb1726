// SPDX-License-Identifier: Apache-2.0
/** After the toggle the devices do not only bind: they work. On `virt`, where QEMU's device models reach the guest's memory. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, scenario, virtioBlk, virtioNet } from '../../harness/index.ts'
import { loadPseudoHotplug } from './board-under-test.ts'

const content = randomBytes(64 * 1024)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

scenario(
  'a disk and a network device behind the bridge work after the toggle',
  {
    platform: 'virt',
    board: {
      devices: [virtioNet({ at: '00:01.0', network: 'user' }), virtioBlk({ at: '00:02.0', content })],
    },
  },
  async ({ board }) => {
    const linux = board.domain()
    await loadPseudoHotplug(board)
    await linux.sysrq('4')
    await expect(linux.console).toPrint(/virtio_blk virtio\d+: \[vda\] 128 512-byte logical blocks/)
    await expect(linux.console).toPrint(/pseudo-hotplug: enable/)

    const disk = await linux.run(['cat', '/dev/vda'])
    expect(sha256(disk.bytes)).toBe(sha256(content))

    const written = randomBytes(4096)
    await linux.run('dd of=/dev/vda bs=4096 seek=3 conv=notrunc,fsync 2>/dev/null', { input: written })
    const file = await readFile(join(board.dir, 'disk00020.img'))
    expect(sha256(file.subarray(3 * 4096, 4 * 4096))).toBe(sha256(written))

    await linux.run('ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0')
    const ping = await linux.run(['ping', '-c', '1', '-W', '5', '10.0.2.2'])
    expect(ping.stdout).toContain('1 packets transmitted, 1 packets received')
  },
)
