// SPDX-License-Identifier: Apache-2.0
import type { Screen } from './screens.ts'

/**
 * Bytes that may be under way to a domU under Xen: Xen keeps 32 for it (`SBSA_UART_FIFO_SIZE` in `xen/arch/arm/vpl011.c`) and
 * drops what comes on top, so that a paste would lose half of itself. The others have a real PL011, for which QEMU waits.
 */
const GULP = 24
/** How long a guest may take for them, ms. A Ctrl-A arrives only with the key after it. */
const PATIENCE = 1000

const CTRL_A = 1
/** Ctrl-A in a row that go to Xen's UART: a third would move the input focus, and the next keys would be Xen's debug keys. */
const MOST_CTRL_A = 2

/** The keys of one console: brings them to the guest no faster than it takes them. */
export class Keys {
  readonly #screen: Screen
  #waiting = Buffer.alloc(0)
  #sending = false
  /** Bytes that the guest's UART had received when it was last asked, and those sent since. */
  #received: number | undefined
  #sent = 0
  #ctrlA = 0

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** Sends `bytes` behind those that still wait. */
  send(bytes: Buffer): void {
    this.#waiting = Buffer.concat([
      this.#waiting,
      this.#screen.focus === undefined ? bytes : bytes.filter((byte) => this.#isHarmless(byte)),
    ])
    if (!this.#sending) void this.#work()
  }

  /** Drops what still waits. */
  drop(): void {
    this.#waiting = Buffer.alloc(0)
  }

  #isHarmless(byte: number): boolean {
    this.#ctrlA = byte === CTRL_A ? this.#ctrlA + 1 : 0
    return this.#ctrlA <= MOST_CTRL_A
  }

  async #work(): Promise<void> {
    this.#sending = true
    while (this.#waiting.length > 0) await this.#sendSome()
    this.#sending = false
  }

  async #sendSome(): Promise<void> {
    const { wire, focus, domain } = this.#screen
    const slow = focus !== undefined && domain !== undefined
    if (slow && (this.#received === undefined || this.#sent >= GULP)) await this.#taken()
    const length = slow ? GULP - this.#sent : this.#waiting.length
    const bytes = this.#waiting.subarray(0, length)
    this.#waiting = this.#waiting.subarray(length)
    this.#sent += bytes.length
    wire.write(bytes)
  }

  /** Waits until the guest has taken what was sent. */
  async #taken(): Promise<void> {
    const wanted = (this.#received ?? 0) + this.#sent
    const deadline = performance.now() + PATIENCE
    let received = await this.#count()
    while (received < wanted && performance.now() < deadline) received = await this.#count()
    this.#received = received
    this.#sent = 0
  }

  /** How many bytes the guest's UART has received (`uart_line_info` in the kernel's `drivers/tty/serial/serial_core.c`). */
  async #count(): Promise<number> {
    const info = await this.#screen.domain?.read('/proc/tty/driver/ttyAMA').catch(() => '')
    return Number(/^0: .* rx:(\d+)/m.exec(info ?? '')?.[1] ?? Number.POSITIVE_INFINITY)
  }
}
