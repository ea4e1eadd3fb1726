// SPDX-License-Identifier: Apache-2.0
import { closeSync, writeSync } from 'node:fs'
import { prepareEventfd } from '../system/index.ts'
import { Errno, Irq, Refusal, SetIrqs } from './protocol.ts'

/** What an eventfd takes: 1 as a 64-bit integer (eventfd(2)). */
const ONE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])

/**
 * The ways out for a function's interrupts: an eventfd per vector, which the client sends. INTx is a level: after it was signalled it stays
 * masked until the client has had it served and unmasks it, and is signalled again if it is still asserted (the kernel's
 * `drivers/vfio/pci/vfio_pci_intrs.c`, VFIO_IRQ_INFO_AUTOMASKED).
 */
export class InterruptLines {
  readonly #fds: (number | undefined)[][]
  #asserted = false
  #masked = false

  /** `counts`: vectors by interrupt index. */
  constructor(counts: readonly number[]) {
    this.#fds = counts.map((count) => Array<number | undefined>(count).fill(undefined))
  }

  /** Sends one interrupt of MSI or MSI-X. False if the client did not ask for that vector. */
  signal(index: number, vector: number): boolean {
    const fd = this.#fds[index]?.[vector]
    if (fd === undefined) return false
    try {
      writeSync(fd, ONE)
    } catch (error) {
      // Its counter is full: the client has more than enough to take already.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
    return true
  }

  /** Drives INTx. */
  set intx(asserted: boolean) {
    this.#asserted = asserted
    this.#deliverIntx()
  }

  #deliverIntx(): void {
    if (!this.#asserted || this.#masked) return
    if (this.signal(Irq.INTX, 0)) this.#masked = true
  }

  /** SET_IRQS: `argsz`, `flags`, `index`, `start`, `count`, data. Keeps the descriptors that it takes out of `fds`. */
  set(body: Buffer, fds: number[]): void {
    if (body.length < 20) throw new Refusal(Errno.EINVAL, 'SET_IRQS is too short')
    const [flags, index, start, count] = [4, 8, 12, 16].map((offset) => body.readUInt32LE(offset)) as [
      number,
      number,
      number,
      number,
    ]
    const vectors = this.#fds[index]
    if (!vectors) throw new Refusal(Errno.EINVAL, `there are no interrupts of kind ${index}`)
    if (start + count > vectors.length)
      throw new Refusal(Errno.EINVAL, `interrupts of kind ${index} end at ${vectors.length}`)
    const data = flags & SetIrqs.DATA
    const action = flags & SetIrqs.ACTION
    if (flags & ~(SetIrqs.DATA | SetIrqs.ACTION))
      throw new Refusal(Errno.EINVAL, 'SET_IRQS with unknown flags')
    const chosen = this.#chosen(data, body.subarray(20), count)
    if (data === SetIrqs.DATA_EVENTFD && action !== SetIrqs.TRIGGER)
      throw new Refusal(Errno.EINVAL, 'SET_IRQS: an eventfd can only be triggered')
    if (action === SetIrqs.TRIGGER) this.#trigger(index, start, count, data, chosen, fds)
    else if (action === SetIrqs.MASK || action === SetIrqs.UNMASK) this.#mask(index, action, chosen)
    else throw new Refusal(Errno.EINVAL, 'SET_IRQS without one action')
  }

  reset(): void {
    this.#asserted = false
    this.#masked = false
  }

  /** Gives all descriptors back. */
  close(): void {
    for (const vectors of this.#fds) {
      for (const fd of vectors) if (fd !== undefined) closeSync(fd)
      vectors.fill(undefined)
    }
  }

  /** Which of the range are meant. */
  #chosen(data: number, bools: Buffer, count: number): boolean[] {
    if (data === SetIrqs.DATA_NONE || data === SetIrqs.DATA_EVENTFD) return Array<boolean>(count).fill(true)
    if (data !== SetIrqs.DATA_BOOL) throw new Refusal(Errno.EINVAL, 'SET_IRQS without one kind of data')
    if (bools.length < count) throw new Refusal(Errno.EINVAL, 'SET_IRQS with too few data')
    return Array.from(bools.subarray(0, count), (byte) => byte !== 0)
  }

  #trigger(
    index: number,
    start: number,
    count: number,
    data: number,
    chosen: boolean[],
    fds: number[],
  ): void {
    const vectors = this.#fds[index] as (number | undefined)[]
    if (data === SetIrqs.DATA_EVENTFD) {
      if (fds.length !== 0 && fds.length !== count)
        throw new Refusal(Errno.EINVAL, 'SET_IRQS: not one file for each')
      if (!fds.every(prepareEventfd)) throw new Refusal(Errno.EINVAL, 'SET_IRQS: a file that is no eventfd')
      const taken = fds.splice(0)
      for (let vector = start; vector < start + count; vector++) {
        const old = vectors[vector]
        if (old !== undefined) closeSync(old)
        vectors[vector] = taken[vector - start]
      }
      if (index === Irq.INTX) {
        this.#masked = false
        this.#deliverIntx()
      }
      return
    }
    if (count === 0 && data === SetIrqs.DATA_NONE) {
      for (const fd of vectors) if (fd !== undefined) closeSync(fd)
      vectors.fill(undefined)
      return
    }
    // A client may have an interrupt sent to itself.
    for (const [offset, wanted] of chosen.entries()) if (wanted) this.signal(index, start + offset)
  }

  #mask(index: number, action: number, chosen: boolean[]): void {
    if (index !== Irq.INTX) throw new Refusal(Errno.EINVAL, 'only INTx can be masked')
    if (!chosen[0]) return
    this.#masked = action === SetIrqs.MASK
    this.#deliverIntx()
  }
}
