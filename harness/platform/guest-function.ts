// SPDX-License-Identifier: Apache-2.0
import type { Width } from '../pci/index.ts'
import type { CommandResult } from './agent.ts'

/**
 * A PCI function as the guest's user space reaches it, apart from any driver (`images/guest/pci.c`): each access arrives in the width that
 * was asked for, through the kernel's own driver of the host bridge. Offsets in bytes.
 *
 * What cannot be done rejects with `CommandFailed`: there is no such function, or no such register.
 */
export class GuestFunction {
  readonly bdf: string
  readonly #run: (argv: string[]) => Promise<CommandResult>

  constructor(bdf: string, run: (argv: string[]) => Promise<CommandResult>) {
    this.bdf = bdf
    this.#run = run
  }

  async readConfig(offset: number, width: Width): Promise<number> {
    return await this.#access('config', 'read', this.bdf, offset, width)
  }

  async writeConfig(offset: number, width: Width, value: number): Promise<void> {
    await this.#access('config', 'write', this.bdf, offset, width, value)
  }

  /** Turns the function's memory decoding on where it is off. */
  async readBar(bar: number, offset: number, width: Width): Promise<number> {
    return await this.#access('bar', 'read', this.bdf, bar, offset, width)
  }

  async writeBar(bar: number, offset: number, width: Width, value: number): Promise<void> {
    await this.#access('bar', 'write', this.bdf, bar, offset, width, value)
  }

  async #access(...words: (string | number)[]): Promise<number> {
    const { stdout } = await this.#run(['guestrig-pci', ...words.map(String)])
    return Number((JSON.parse(stdout) as { value: string }).value)
  }
}
