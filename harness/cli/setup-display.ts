// SPDX-License-Identifier: Apache-2.0
import { createLogUpdate } from 'log-update'
import pc from 'picocolors'
import type { ProgressEvent } from '../../images/index.ts'
import { amountText, type Running, stepTitle, timeText } from './setup-lines.ts'

/** How often the live lines of a terminal are drawn, ms. */
const DRAW_EVERY = 120
/** How often a pipe hears of a step that takes long, ms. */
const HEARTBEAT_EVERY = 15_000

/**
 * Shows a set-up on a stream: on a terminal the steps under way are live lines below the finished ones, in a pipe each
 * step has a plain line when it starts and ends, and a heartbeat between.
 */
export class SetupDisplay {
  readonly #stream: NodeJS.WriteStream
  readonly #live: ReturnType<typeof createLogUpdate> | undefined
  readonly #timer: NodeJS.Timeout
  readonly #running = new Map<string, Running>()
  /** Steps that took work, for the summary. */
  made = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.#live = stream.isTTY ? createLogUpdate(stream, { showCursor: true }) : undefined
    this.#timer = this.#live
      ? setInterval(() => this.#draw(), DRAW_EVERY)
      : setInterval(() => this.#beat(), HEARTBEAT_EVERY)
  }

  /** To be given to `setupImages`. */
  readonly show = (event: ProgressEvent): void => {
    const title = stepTitle(event)
    const running = this.#running.get(title)
    if (event.kind === 'start') {
      this.#running.set(title, { ...event, since: performance.now(), text: '' })
      if (!this.#live) this.#print(`${title} …`)
    } else if (event.kind === 'advance' && running) {
      running.text = amountText(event.amount, event.doing)
    } else if (event.kind === 'wait' && running) {
      running.text = event.text
      if (!this.#live) this.#print(`${title}: ${event.text}`)
    } else if (event.kind === 'end') {
      this.#running.delete(title)
      if (event.outcome === 'made') {
        this.made++
        this.#print(
          `${pc.green('✔')} ${title}: ${timeText(event.ms)}${event.detail ? `, ${event.detail}` : ''}`,
        )
      }
    }
  }

  /** Leaves the terminal as it was, with the finished steps on it. */
  close(): void {
    clearInterval(this.#timer)
    this.#live?.clear()
  }

  #print(line: string): void {
    this.#live?.clear()
    this.#stream.write(`${line}\n`)
  }

  #draw(): void {
    if (this.#running.size > 0) this.#live?.(this.#lines().join('\n'))
  }

  #beat(): void {
    for (const line of this.#lines()) this.#print(line)
  }

  #lines(): string[] {
    return [...this.#running].map(([title, { since, text }]) => {
      const time = timeText(Math.round((performance.now() - since) / 1000) * 1000)
      return `${title}: ${text ? `${text}, ` : ''}${time}`
    })
  }
}
