// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path'
import { CROSS_COMPILE } from './kernel.ts'
import { HostProblem } from './problem.ts'
import { runTool } from './run.ts'
import type { Kernel } from './types.ts'

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

/** A place in the kernel itself that a report does not name. */
export interface Address {
  /** Where it was linked to be. */
  address: bigint
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
  async lines(places: readonly (Place | Address)[]): Promise<(string | undefined)[]> {
    const found = places.map((place) => ('fn' in place ? this.#placeOf(place) : this.#functionAt(place)))
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
    return found.map((at) => {
      const line = at && lines.get(`${at.section} ${at.address}`)
      return line && at.fn ? `${at.fn} ${line}` : line
    })
  }

  #placeOf({ fn, offset, size }: Place): Found | undefined {
    const named = this.#symbols.get(fn) ?? []
    // Sizes differ by the padding that kallsyms counts in.
    const symbol =
      named.find((candidate) => size === undefined || Math.abs(candidate.size - size) < 16) ?? named[0]
    if (!symbol) return undefined
    return { section: symbol.section, address: (symbol.address + BigInt(offset)).toString(16) }
  }

  #functionAt({ address }: Address): Found | undefined {
    for (const [fn, symbols] of this.#symbols) {
      for (const symbol of symbols) {
        if (address >= symbol.address && address < symbol.address + BigInt(symbol.size))
          return { section: symbol.section, address: address.toString(16), fn }
      }
    }
    return undefined
  }
}

/** Where a place is in an object file. */
interface Found {
  section: string
  address: string
  /** Where the report does not name it. */
  fn?: string
}

/** The source lines of a kernel's and its modules' functions, by the cross toolchain's binutils. */
export class Symbols {
  readonly #vmlinux: ObjectFile | undefined
  readonly #modules: Map<string, ObjectFile>

  private constructor(vmlinux: ObjectFile | undefined, modules: Map<string, ObjectFile>) {
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

  /** Those of a kernel that is run, as far as it and its drivers were built with debug info; undefined if none was. */
  static async of({ vmlinux, modules }: Pick<Kernel, 'vmlinux' | 'modules'>): Promise<Symbols | undefined> {
    const open = (file: string) => ObjectFile.open(file).catch(() => undefined)
    const opened = await Promise.all(
      Object.values(modules).map(async (file) => [moduleName(file), await open(file)] as const),
    )
    const kernel = vmlinux === undefined ? undefined : await open(vmlinux)
    const known = opened.filter((entry): entry is readonly [string, ObjectFile] => entry[1] !== undefined)
    return kernel || known.length > 0 ? new Symbols(kernel, new Map(known)) : undefined
  }

  /** `file:line` of each place, in their order; undefined where it is not known. An address gets its function's name as well. */
  async lines(places: readonly (Place | Address)[]): Promise<(string | undefined)[]> {
    const lines: (string | undefined)[] = places.map(() => undefined)
    for (const object of new Set([this.#vmlinux, ...this.#modules.values()])) {
      if (!object) continue
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

  #objectOf(place: Place | Address): ObjectFile | undefined {
    const module = 'fn' in place ? place.module : undefined
    return module === undefined ? this.#vmlinux : this.#modules.get(module)
  }
}

/** As the kernel prints it: `_` for `-` (KBUILD_MODNAME). */
const moduleName = (file: string): string => basename(file, '.ko').replaceAll('-', '_')
