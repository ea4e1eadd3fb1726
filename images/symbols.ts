// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path'
import { CROSS_COMPILE } from './kernel.ts'
import { HostProblem } from './problem.ts'
import { runTool } from './run.ts'

/** A place in code as a report names it. */
export interface Place {
  fn: string
  /** Bytes from the function's start. */
  offset: number
  /** Bytes that the function has, where the report says it: tells functions of one name apart. */
  size?: number | undefined
  /** Name of the module that it is in. */
  module?: string | undefined
}

interface Sym {
  section: string
  address: bigint
  size: number
}

/** `objdump -t`: address, seven flags, section, size, name. */
const SYMBOL = /^([0-9a-f]{16}) .{6}[F ] (\S+)\t([0-9a-f]{16}) (?:\.hidden )?(\S+)$/

/** The functions of one ELF file with debug information, and the lines that they were compiled from. */
class ObjectFile {
  readonly #file: string
  readonly #relocatable: boolean
  readonly #symbols: Map<string, Sym[]>

  private constructor(file: string, relocatable: boolean, symbols: Map<string, Sym[]>) {
    this.#file = file
    this.#relocatable = relocatable
    this.#symbols = symbols
  }

  static async open(file: string): Promise<ObjectFile> {
    const sections = await runTool([`${CROSS_COMPILE}readelf`, '-SWh', file]).catch((cause: unknown) => {
      throw new HostProblem(
        `${file} cannot be read as an ELF file`,
        'give the vmlinux or the .ko of the build',
        { cause },
      )
    })
    if (!/\s\.z?debug_line\s/.test(sections)) {
      throw new HostProblem(
        `${file} has no debug info: no line of its source can be named`,
        'build it with CONFIG_DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT=y and give the vmlinux (not the Image) and unstripped modules',
      )
    }
    const symbols = new Map<string, Sym[]>()
    for (const line of (await runTool([`${CROSS_COMPILE}objdump`, '-t', file])).split('\n')) {
      const [, address = '', section = '', size = '', name = ''] = SYMBOL.exec(line) ?? []
      if (!name) continue
      const symbol = { section, address: BigInt(`0x${address}`), size: Number.parseInt(size, 16) }
      symbols.set(name, [...(symbols.get(name) ?? []), symbol])
    }
    return new ObjectFile(file, /Type:\s+REL /.test(sections), symbols)
  }

  /** `file:line` of each place, in their order; undefined where the file has no such function or line. */
  async lines(places: readonly Place[]): Promise<(string | undefined)[]> {
    const found = places.map((place) => this.#addressOf(place))
    const sections = new Set(found.flatMap((at) => (at ? [at.section] : [])))
    const lines = new Map<string, string>()
    for (const section of sections) {
      const addresses = [...new Set(found.flatMap((at) => (at?.section === section ? [at.address] : [])))]
      const where = this.#relocatable ? ['-j', section] : []
      const output = await runTool([`${CROSS_COMPILE}addr2line`, '-e', this.#file, ...where, ...addresses])
      output.split('\n').forEach((line, index) => {
        const source = line.replace(/ \(discriminator \d+\)$/, '')
        if (source && !source.startsWith('??') && !source.endsWith(':?'))
          lines.set(`${section} ${addresses[index]}`, source.replace(/^.*\/\.\//, ''))
      })
    }
    return found.map((at) => at && lines.get(`${at.section} ${at.address}`))
  }

  #addressOf({ fn, offset, size }: Place): { section: string; address: string } | undefined {
    const named = this.#symbols.get(fn) ?? []
    // Sizes differ by the padding that kallsyms counts in.
    const symbol =
      named.find((candidate) => size === undefined || Math.abs(candidate.size - size) < 16) ?? named[0]
    if (!symbol) return undefined
    return { section: symbol.section, address: (symbol.address + BigInt(offset)).toString(16) }
  }
}

/** The source lines of a kernel's and its modules' functions, by the cross toolchain's binutils. */
export class Symbols {
  readonly #vmlinux: ObjectFile
  readonly #modules: Map<string, ObjectFile>

  private constructor(vmlinux: ObjectFile, modules: Map<string, ObjectFile>) {
    this.#vmlinux = vmlinux
    this.#modules = modules
  }

  /** @throws {HostProblem} a file has no debug info, or is no ELF file */
  static async open(vmlinux: string, modules: readonly string[] = []): Promise<Symbols> {
    const objects = await Promise.all(
      modules.map(
        async (file): Promise<[string, ObjectFile]> => [moduleName(file), await ObjectFile.open(file)],
      ),
    )
    return new Symbols(await ObjectFile.open(vmlinux), new Map(objects))
  }

  /** `file:line` of each place, in their order; undefined where it is not known. */
  async lines(places: readonly Place[]): Promise<(string | undefined)[]> {
    const lines: (string | undefined)[] = places.map(() => undefined)
    for (const object of new Set([this.#vmlinux, ...this.#modules.values()])) {
      const mine = places.flatMap((place, index) =>
        this.#objectOf(place) === object ? [{ place, index }] : [],
      )
      const found = await object.lines(mine.map(({ place }) => place))
      mine.forEach(({ index }, at) => {
        lines[index] = found[at]
      })
    }
    return lines
  }

  #objectOf({ module }: Place): ObjectFile | undefined {
    return module === undefined ? this.#vmlinux : this.#modules.get(module)
  }
}

/** As the kernel prints it: `_` for `-` (KBUILD_MODNAME). */
const moduleName = (file: string): string => basename(file, '.ko').replaceAll('-', '_')
