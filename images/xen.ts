// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Words of the A64 instruction set (Arm ARM, C6.2 HINT). */
const WFE = 0xd503205f
const YIELD = 0xd503203f

/** Since this release of QEMU an A-profile WFE really sleeps (upstream 01b223f895). */
const WFE_SLEEPS_SINCE = [11, 1]

/**
 * Whether Xen must be patched for this QEMU. Under a QEMU whose WFE sleeps, Xen's ticket locks hang for good about once in
 * 40 boots with 2 CPUs: both stand in _spin_lock at the WFE, the next ticket's holder asleep. With YIELD they never do.
 */
export function needsYield(qemuVersion: string): boolean {
  const [major = 0, minor = 0] = qemuVersion.split('.').map(Number)
  const [sinceMajor = 0, sinceMinor = 0] = WFE_SLEEPS_SINCE
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)
}

/** Replaces each WFE by a YIELD, in place, and counts them. Instructions are words at multiples of 4 bytes. */
export function replaceWfe(image: Buffer): number {
  let replaced = 0
  for (const { start, end } of codeRanges(image)) {
    for (let at = start; at + 4 <= end; at += 4) {
      if (image.readUInt32LE(at) !== WFE) continue
      image.writeUInt32LE(YIELD, at)
      replaced++
    }
  }
  return replaced
}

/** Offsets in the PE/COFF headers that an arm64 Xen (and Linux) image carries for EFI (PE format, "COFF File Header"). */
const PE = {
  signatureAt: 60,
  signature: 0x4550,
  sections: 6,
  optionalSize: 20,
  header: 24,
  sectionSize: 40,
  executable: 0x20000000,
}

/** The parts of an image that hold code: the executable PE sections, or all of an image without a PE header. */
function codeRanges(image: Buffer): { start: number; end: number }[] {
  const whole = [{ start: 0, end: image.length }]
  if (image.length < 64) return whole
  const pe = image.readUInt32LE(PE.signatureAt)
  if (pe + PE.header > image.length || image.readUInt32LE(pe) !== PE.signature) return whole
  const table = pe + PE.header + image.readUInt16LE(pe + PE.optionalSize)
  const ranges = []
  for (let index = 0; index < image.readUInt16LE(pe + PE.sections); index++) {
    const at = table + index * PE.sectionSize
    if (at + PE.sectionSize > image.length) return whole
    if (!(image.readUInt32LE(at + 36) & PE.executable)) continue
    const start = image.readUInt32LE(at + 20)
    ranges.push({ start, end: Math.min(image.length, start + image.readUInt32LE(at + 16)) })
  }
  return ranges.length > 0 ? ranges : whole
}

/** What is recorded beside a prepared hypervisor image. */
export interface XenNotes {
  wfeReplaced: number
}

export const xenImage = (entry: string) => join(entry, 'xen')
const notesFile = (entry: string) => join(entry, 'notes.json')

/** Writes the image as the board will load it. */
export async function prepareXen(into: string, original: Buffer, qemuVersion: string): Promise<XenNotes> {
  const image = Buffer.from(original)
  const notes = { wfeReplaced: needsYield(qemuVersion) ? replaceWfe(image) : 0 }
  await writeFile(xenImage(into), image)
  await writeFile(notesFile(into), `${JSON.stringify(notes)}\n`)
  return notes
}

export async function readXenNotes(entry: string): Promise<XenNotes> {
  return JSON.parse(await readFile(notesFile(entry), 'utf8')) as XenNotes
}
