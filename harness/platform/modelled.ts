// SPDX-License-Identifier: Apache-2.0
/** What a board has that is a model in TypeScript: each is a vfio-user function of QEMU's, served from here. */
import { join } from 'node:path'
import type { QTest } from '../board/index.ts'
import { type PciFunction, RootComplex, type Trace, VfioFunction } from '../pci/index.ts'
import { VfioUserServer } from '../vfio-user/index.ts'
import { PCIE } from './virt-machine.ts'

export type Model = PciFunction | RootComplex

/** A model, and where QEMU is to put it. */
export interface PlannedModel {
  model: Model
  /** QEMU's bus, and device and function number on it. */
  bus: string
  addr: string
}

/** A device model threw an error: the scenario fails with it, and the guest is not to blame. */
export class ModelFailure extends Error {
  override readonly name = 'ModelFailure'

  constructor(name: string, cause: unknown) {
    const stack = cause instanceof Error ? (cause.stack ?? String(cause)) : String(cause)
    super(`the device model at ${name} failed: ${stack}`, { cause })
    // The place that matters is in the model.
    this.stack = `${this.name}: ${this.message}`
  }
}

/** Whether the guest's RAM must be a file that the models share. */
export const needSharedMemory = (planned: readonly PlannedModel[]): boolean =>
  planned.some(({ model }) => model.sharedMemory)

/** BDF, or a root complex's name. */
export const nameOf = (model: Model): string => (model instanceof RootComplex ? model.name : model.at)

/** Serves the models of one board. */
export class Models {
  readonly #sharedMemory: boolean
  readonly #planned: PlannedModel[]
  readonly #dir: string
  readonly #servers: VfioUserServer[] = []
  #trace: Trace | undefined
  #failure: ModelFailure | undefined
  #failed: ((failure: ModelFailure) => void) | undefined

  /** `dir`: the run's folder. */
  constructor(planned: PlannedModel[], dir: string) {
    this.#planned = planned
    this.#dir = dir
    this.#sharedMemory = needSharedMemory(planned)
  }

  /** Whether the board has none. */
  get none(): boolean {
    return this.#servers.length === 0
  }

  /** The trace of the board, which the models share. */
  set trace(trace: Trace) {
    this.#trace = trace
    for (const { model } of this.#planned) model.trace = trace
  }

  /** Gets the first failure of a model, also one from before. */
  onFailure(failed: (failure: ModelFailure) => void): void {
    this.#failed = failed
    if (this.#failure) failed(this.#failure)
  }

  /** Listens for QEMU; its arguments. */
  listen(): string[] {
    return this.#planned.flatMap((planned) => ['-device', JSON.stringify(this.serve(planned))])
  }

  /** Listens for QEMU to connect to one model; the properties of the device that does. */
  serve({ model, bus, addr }: PlannedModel): Record<string, unknown> {
    const name = `model-${nameOf(model).replace(/[^0-9a-z]/gi, '-')}.sock`
    const failed = (error: unknown) => this.#fail(new ModelFailure(nameOf(model), error))
    if (model instanceof RootComplex) model.onFailure(failed)
    if (this.#trace) model.trace = this.#trace
    const device = model instanceof RootComplex ? model : new VfioFunction(model)
    const options = { sharedMemory: this.#sharedMemory, failed }
    const server = new VfioUserServer(join(this.#dir, name), device, options)
    this.#servers.push(server)
    // QEMU decides that bit of the Header Type register itself.
    const multifunction = !(model instanceof RootComplex) && model.multifunction
    const place = { bus, addr, multifunction }
    return { driver: 'vfio-user-pci', socket: { type: 'unix', path: server.hide() }, ...place }
  }

  /** QEMU has connected to all: nobody else can. */
  connected(): void {
    for (const server of this.#servers) server.listenNoMore()
  }

  /** Puts the windows of modelled root complexes where they belong, while the machine is stopped. The guest does not know QEMU's own bridge, so they stay there. */
  async place(qtest: QTest): Promise<void> {
    for (const { model, addr } of this.#planned) {
      if (!(model instanceof RootComplex)) continue
      const [slot = 0, fn = 0] = addr.split('.').map((part) => Number.parseInt(part, 16))
      const config = PCIE.ecam.base + slot * 0x8000 + fn * 0x1000
      for (const { offset, width, value } of model.placement) await qtest.write(config + offset, width, value)
    }
  }

  /** What the guest has written to the models until now has arrived there when it returns. */
  fetch(): void {
    for (const server of this.#servers) server.fetch()
  }

  close(): void {
    for (const server of this.#servers) server.close()
  }

  #fail(failure: ModelFailure): void {
    if (this.#failure) return
    this.#failure = failure
    this.#failed?.(failure)
  }
}
