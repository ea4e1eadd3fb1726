// SPDX-License-Identifier: Apache-2.0
/**
 * Booted, paused boards on disk, so that a scenario need not boot. A snapshot is taken of a board without any of a scenario's
 * functions, while the bridge is still `disabled`; it is restored with whichever functions a scenario wants, which the guest has not
 * looked for yet. What the guest writes after that stays private to the restored board.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, type Images } from '../../images/index.ts'
import type { Printed } from './board.ts'
import type { BoardPlan } from './plan.ts'

/** Changes when what a snapshot holds, or how it is taken, changes. */
const FORMAT = 5
/** Bytes on disk that they may take together; the least recently used go first. One takes what its guests touched, 25 to 125 MB. */
const BUDGET = 6e9
/** Bytes of a block in what stat(2) counts. */
const BLOCK = 512
const ENDED = '.whole'
/** What a process has not finished, and which process. */
const PARTIAL = /\.partial-(\d+)-/

/** The files of one snapshot. */
export interface Snapshot {
  dir: string
  ram: string
  state: string
  consoles: string
}

/** A snapshot's name: everything that went into the machine, but for the scenario's functions. */
export function snapshotKey(images: Images, plan: BoardPlan): string {
  const inputs = [
    FORMAT,
    images.id,
    plan.machine,
    plan.boot,
    plan.uarts,
    plan.wires,
    plan.tree,
    plan.guestTrees,
  ]
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16)
}

const folder = (): string => join(cacheFolder(), 'snapshots')

const filesOf = (dir: string): Snapshot => ({
  dir,
  ram: join(dir, 'ram'),
  state: join(dir, 'state'),
  consoles: join(dir, 'consoles.json'),
})

let swept: Promise<void> | undefined

/** The snapshot of that key, if there is a whole one. */
export async function findSnapshot(key: string): Promise<Snapshot | undefined> {
  swept ??= dropAbandoned()
  await swept
  const dir = join(folder(), key)
  const whole = await stat(join(dir, ENDED)).catch(() => undefined)
  if (!whole) return undefined
  const now = new Date()
  await utimes(join(dir, ENDED), now, now).catch(() => {})
  return filesOf(dir)
}

/** A place to write a snapshot to; `keepSnapshot` makes it the one of its key. */
export async function newSnapshot(key: string): Promise<Snapshot> {
  const dir = join(folder(), `${key}.partial-${process.pid}-${randomBytes(3).toString('hex')}`)
  await mkdir(dir, { recursive: true })
  return filesOf(dir)
}

/** Moves a whole snapshot to its place. If another process was quicker, its own is as good. */
export async function keepSnapshot(key: string, snapshot: Snapshot): Promise<Snapshot> {
  await writeFile(join(snapshot.dir, ENDED), '')
  const dir = join(folder(), key)
  await rename(snapshot.dir, dir).catch(() => dropSnapshot(snapshot))
  await evict()
  return filesOf(dir)
}

export async function dropSnapshot({ dir }: Snapshot): Promise<void> {
  await rm(dir, { recursive: true, force: true })
}

export async function readConsoles({ consoles }: Snapshot): Promise<Printed> {
  return JSON.parse(await readFile(consoles, 'utf8'))
}

/** Drops what killed processes left half-written. */
async function dropAbandoned(): Promise<void> {
  const names = await readdir(folder()).catch(() => [])
  const abandoned = names.filter((name) => {
    const pid = PARTIAL.exec(name)?.[1]
    return pid !== undefined && !isRunning(Number(pid))
  })
  await Promise.all(abandoned.map((name) => rm(join(folder(), name), { recursive: true, force: true })))
}

/** Drops the snapshots that were not used for longest. */
async function evict(): Promise<void> {
  const names = (await readdir(folder())).filter((name) => !PARTIAL.test(name))
  const entries = await Promise.all(
    names.map(async (name) => {
      const dir = join(folder(), name)
      const used = await stat(join(dir, ENDED)).catch(() => undefined)
      return { dir, bytes: await bytesOf(filesOf(dir)), used: used?.mtimeMs ?? 0 }
    }),
  )
  let total = 0
  const old = entries
    .sort((a, b) => b.used - a.used)
    .filter(({ bytes }) => {
      total += bytes
      return total > BUDGET
    })
  await Promise.all(old.map(({ dir }) => rm(dir, { recursive: true, force: true })))
}

/** What a snapshot takes on disk: its files have holes. */
async function bytesOf({ ram, state }: Snapshot): Promise<number> {
  const stats = await Promise.all([ram, state].map((file) => stat(file).catch(() => undefined)))
  return stats.reduce((sum, found) => sum + (found?.blocks ?? 0) * BLOCK, 0)
}

/** Whether there is such a process, and not only its exit status that nobody has asked for (proc(5): states Z and X). */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1))
  } catch {
    return false
  }
}
