// SPDX-License-Identifier: Apache-2.0
import type { EndpointTest } from '../pci/index.ts'

export interface Ringing {
  count: number
  /** How many vectors, from the first on. */
  volley: number
  /** ms without an answer after which an interrupt is lost. */
  patience: number
}

/** Offset of STATUS in BAR 0, which the driver's handler reads once for each interrupt. */
const STATUS = 8

/**
 * Sends interrupts in volleys, each of one interrupt on each vector; the next follows when the driver's handler has read STATUS as often.
 * So none falls together with another. Gives the ms that it took, or undefined if that stopped.
 */
export function ring(fn: EndpointTest, { count, volley, patience }: Ringing): Promise<number | undefined> {
  const startedAt = performance.now()
  let sent = 0
  let answered = 0
  const send = () => {
    for (let vector = 0; vector < volley && sent < count; vector++, sent++) fn.interrupt(vector)
  }
  return new Promise((resolve) => {
    let before = answered
    const watch = setInterval(() => {
      if (answered === before) end(undefined)
      before = answered
    }, patience)
    const stop = fn.trace.onEntry(({ what, space, address }) => {
      if (what !== 'read' || space !== 'bar0' || address !== STATUS) return
      answered++
      if (answered === count) end(performance.now() - startedAt)
      else if (answered === sent) send()
    })
    const end = (ms: number | undefined) => {
      clearInterval(watch)
      stop()
      resolve(ms)
    }
    send()
  })
}
