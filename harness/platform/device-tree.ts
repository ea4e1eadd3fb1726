// SPDX-License-Identifier: Apache-2.0
/**
 * Device trees as data, written as the source text that `dtc` reads (Devicetree Specification 0.4, appendix A).
 */
import { type ExecFileException, execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { HostProblem } from '../../images/index.ts'

const run = promisify(execFile)

/** One 32-bit cell, or a reference to a labelled node, which `dtc` replaces by that node's phandle. */
type Cell = number | `&${string}`

export interface Cells {
  cells: Cell[]
}

/** `true` stands for a property without a value. */
export type Property = true | string | string[] | Cells

export interface TreeNode {
  label?: string
  properties?: Record<string, Property | undefined>
  /** Children by node name (`name@unit-address`). */
  children?: Record<string, TreeNode | undefined>
}

/** Cells of 32 bits each. */
export const cells = (...values: Cell[]): Cells => ({ cells: values })

/** A number of up to 53 bits as two cells, high word first. */
export const u64 = (value: number): [number, number] => [Math.floor(value / 2 ** 32), value % 2 ** 32]

/** A `reg` (or `ranges`-like) property with two cells for each number; addresses and sizes in bytes. */
export const reg = (...values: number[]): Cells => cells(...values.flatMap(u64))

/** The node `name` with `address` as its unit address. */
export const at = (name: string, address: number): string => `${name}@${address.toString(16)}`

const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

const writeCell = (cell: Cell): string => (typeof cell === 'number' ? `0x${cell.toString(16)}` : cell)

function writeProperty(name: string, value: Property): string {
  if (value === true) return `${name};`
  if (typeof value === 'string') return `${name} = ${quote(value)};`
  if (Array.isArray(value)) return `${name} = ${value.map(quote).join(', ')};`
  return `${name} = <${value.cells.map(writeCell).join(' ')}>;`
}

function writeNode(name: string, node: TreeNode, indent: string): string {
  const inner = `${indent}\t`
  const label = node.label ? `${node.label}: ` : ''
  const properties = Object.entries(node.properties ?? {}).flatMap(([key, value]) =>
    value === undefined ? [] : [`${inner}${writeProperty(key, value)}`],
  )
  const children = Object.entries(node.children ?? {}).flatMap(([key, child]) =>
    child === undefined ? [] : ['', writeNode(key, child, inner)],
  )
  return [`${indent}${label}${name} {`, ...properties, ...children, `${indent}};`].join('\n')
}

/** The whole tree as `dtc` source text. */
export function writeTree(root: TreeNode): string {
  return `/dts-v1/;\n\n${writeNode('/', root, '')}\n`
}

/** What `dtc` made of a source text: the boards of a process have few trees between them. */
const compiled = new Map<string, Promise<Uint8Array>>()

/**
 * Compiles `source` (the text of a tree) to the blob at `output`.
 *
 * @throws HostProblem when `dtc` is missing or refuses the text.
 */
export async function compileTree(source: string, output: string): Promise<void> {
  const blob = compiled.get(source) ?? compile(source, output)
  compiled.set(source, blob)
  await writeFile(output, await blob)
}

async function compile(source: string, output: string): Promise<Uint8Array> {
  const compiling = run('dtc', ['-q', '-I', 'dts', '-O', 'dtb', '-'], { encoding: 'buffer' })
  // If it ends before it has read the text, its message says more than the broken pipe.
  compiling.child.stdin?.on('error', () => {}).end(source)
  try {
    return (await compiling).stdout
  } catch (error) {
    const { code, stderr, message } = error as ExecFileException & { stderr?: Buffer }
    throw new HostProblem(
      `dtc did not make ${output}: ${stderr?.toString() || message}`,
      code === 'ENOENT'
        ? 'Install the package device-tree-compiler, or run: guestrig setup'
        : 'The text of the tree is beside it, with the ending .dts.',
    )
  }
}
