// SPDX-License-Identifier: Apache-2.0
/** What an access to a function costs the guest: one written in TypeScript beside the same in C, both on one board. */
import { join } from 'node:path'
import type { Images } from '../../images/index.ts'
import { msi, PciFunction, pciExpress, registerBar } from '../pci/index.ts'
import { bootBoard, type Domain } from '../platform/index.ts'
import { ReferenceServer } from './reference-server.ts'

/** Reads in one sample: a tenth of a second or so. */
const READS = 5000

/** The functions of `reference-server.c`, and what it answers. */
const OURS = '00:03.0'
const THEIRS = '00:04.0'

const twin = () =>
  new PciFunction({
    ...{ at: OURS, vendor: 0x104c, device: 0xb500, class: 0xff0000 },
    bars: { 0: registerBar({ size: 4096, read: (offset) => offset & ~3 }) },
    capabilities: [pciExpress(), { ...msi(), at: 0x80 }],
  })

const SPACES = { config: 'config time 0000:BDF 0 4', bar: 'bar time 0000:BDF 0 0x10 4' } as const

export type AccessSpace = keyof typeof SPACES

/** ns that one read takes, as the guest's own clock has it: the median of one sample, by round. */
export type AccessTimes = Record<AccessSpace, { ours: number[]; theirs: number[] }>

export interface AccessOptions {
  images: Images
  /** Where the board's folder goes. */
  dir: string
  rounds: number
  /** The compiled reference server. */
  program: string
}

export async function measureAccess({ images, dir, rounds, program }: AccessOptions): Promise<AccessTimes> {
  const place = join(dir, 'access')
  const server = await ReferenceServer.start(program, place)
  try {
    const devices = [twin(), server.at(THEIRS)]
    const board = await bootBoard('virt', { images, dir: place, devices, status: 'okay' })
    try {
      return await alternate(board.domain(), rounds)
    } finally {
      await board.stop()
    }
  } finally {
    await server.stop()
  }
}

async function alternate(guest: Domain, rounds: number): Promise<AccessTimes> {
  const times: AccessTimes = { config: { ours: [], theirs: [] }, bar: { ours: [], theirs: [] } }
  // Round 0 warms the caches and the compilers, the guest's and Node's, and counts for nothing.
  for (let round = 0; round <= rounds; round++) {
    for (const space of Object.keys(SPACES) as AccessSpace[]) {
      const ours = async () => ({ ours: await medianNs(guest, SPACES[space], OURS) })
      const theirs = async () => ({ theirs: await medianNs(guest, SPACES[space], THEIRS) })
      const pair = round % 2 ? [ours, theirs] : [theirs, ours]
      const sample = { ours: 0, theirs: 0 }
      for (const measure of pair) Object.assign(sample, await measure())
      if (round === 0) continue
      times[space].ours.push(sample.ours)
      times[space].theirs.push(sample.theirs)
    }
  }
  return times
}

async function medianNs(guest: Domain, words: string, bdf: string): Promise<number> {
  const { stdout } = await guest.run(`guestrig-pci ${words.replace('BDF', bdf)} ${READS}`)
  return (JSON.parse(stdout) as { medianNs: number }).medianNs
}
