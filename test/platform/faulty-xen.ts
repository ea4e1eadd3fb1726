// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises'

/** `struct keyhandler` of Xen's xen/common/keyhandler.c begins with two pointers, its function and its description. */
const DESCRIPTION_AT = 8
/** UDF #0 (Arm ARM, C6.2 UDF): permanently undefined. */
const UDF = 0

/**
 * Writes a hypervisor that has a bug: the handler of the debug key with that description begins with an undefined instruction. Xen on Arm has
 * no debug key that crashes it: `C` is registered only with kexec (xen/common/kexec.c), which is for x86.
 */
export async function writeFaultyXen(from: string, to: string, description: string): Promise<void> {
  const image = await readFile(from)
  const text = image.indexOf(`\0${description}\0`) + 1
  if (text === 0) throw new Error(`no debug key '${description}' in ${from}`)
  image.writeUInt32LE(UDF, handlerOf(image, text))
  await writeFile(to, image)
}

/** Offset of the function whose keyhandler points to the text at an offset; the image is linked to a fixed address, a multiple of 2 MB. */
function handlerOf(image: Buffer, text: number): number {
  for (let at = 0; at + 16 <= image.length; at += 8) {
    const base = image.readBigUInt64LE(at + DESCRIPTION_AT) - BigInt(text)
    if (base <= 0n || base % 0x20_0000n !== 0n) continue
    const fn = Number(image.readBigUInt64LE(at) - base)
    if (fn > 0 && fn < image.length && fn % 4 === 0) return fn
  }
  throw new Error('no keyhandler points to its description')
}
