// SPDX-License-Identifier: Apache-2.0
/** Our table of QEMU's `virt` machine beside the tree that QEMU itself writes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { at, compileTree, writeTree } from '../../harness/platform/device-tree.ts'
import { machineTree } from '../../harness/platform/machine-tree.ts'
import { GIC, MACHINE, PCIE, UARTS, VIRTIO_MMIO, virtioMmio } from '../../harness/platform/virt-machine.ts'
import { locateImages } from '../../images/index.ts'

let root: string

/** The cells of a property, as numbers. */
async function cellsOf(dtb: string, node: string, property: string): Promise<number[]> {
  const { stdout } = await execa('fdtget', ['-t', 'x', join(root, dtb), node, property])
  return stdout.split(' ').map((cell) => Number.parseInt(cell, 16))
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-machine-'))
  const { qemu } = await locateImages()
  const [file = '', ...args] = qemu.command
  const machine = `${MACHINE},gic-version=3,dtb-randomness=off,dumpdtb=${join(root, 'qemu.dtb')}`
  const serials = ['-nodefaults', '-serial', 'null', '-serial', 'null']
  await execa(file, [
    ...args,
    '-machine',
    machine,
    '-cpu',
    'cortex-a57',
    '-smp',
    '2',
    '-m',
    '512',
    ...serials,
  ])
  const transports = [0, 31].map((transport) => ({ transport }))
  const ours = machineTree({ cpus: 2, uarts: 2, agents: [], transports, bridge: {} })
  await compileTree(writeTree(ours), join(root, 'ours.dtb'))
})

afterAll(() => rm(root, { recursive: true }))

describe('the same registers and interrupts', () => {
  const gic = `/${at('intc', GIC.distributor.base)}`
  const bridge = `/${at('pcie', PCIE.mmio.base)}`
  test.each<[string, string]>([
    ...UARTS.flatMap(({ base }): [string, string][] => [
      [`/${at('pl011', base)}`, 'reg'],
      [`/${at('pl011', base)}`, 'interrupts'],
    ]),
    [gic, 'reg'],
    [`${gic}/${at('its', GIC.its.base)}`, 'reg'],
    ...[virtioMmio(0).base, virtioMmio(VIRTIO_MMIO.count - 1).base].flatMap((base): [string, string][] => [
      [`/${at('virtio_mmio', base)}`, 'reg'],
      [`/${at('virtio_mmio', base)}`, 'interrupts'],
    ]),
    ['/timer', 'interrupts'],
    [bridge, 'reg'],
    [bridge, 'ranges'],
    [bridge, 'bus-range'],
    [bridge, 'interrupt-map-mask'],
  ])('%s %s', async (node, property) => {
    expect(await cellsOf('ours.dtb', node, property)).toEqual(await cellsOf('qemu.dtb', node, property))
  })

  test('the interrupt map, but for the phandle of the interrupt controller', async () => {
    // Rows of ten cells; the fifth is the phandle.
    const rows = async (dtb: string) =>
      (await cellsOf(dtb, bridge, 'interrupt-map')).filter((_, index) => index % 10 !== 4)
    expect(await rows('ours.dtb')).toEqual(await rows('qemu.dtb'))
  })
})
