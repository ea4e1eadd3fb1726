// SPDX-License-Identifier: Apache-2.0
/** The function that is the yardstick: `reference-server.c`, compiled here and run beside a board. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HostProblem } from '../../images/index.ts'
import { guarded } from '../board/index.ts'
import type { Device } from '../platform/index.ts'

const SOURCE = join(import.meta.dirname, 'reference-server.c')
const FLAGS = ['-O2', '-Wall', '-Wextra']

/**
 * Compiles the server into `dir`; its path.
 *
 * @throws HostProblem when there is no compiler, or it does not compile.
 */
export async function buildReferenceServer(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true })
  const program = join(dir, 'reference-server')
  try {
    await promisify(execFile)('gcc', [...FLAGS, '-o', program, SOURCE])
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    const noCompiler = code === 'ENOENT'
    throw new HostProblem(
      noCompiler
        ? 'there is no gcc on this machine, and what a model is measured against is written in C'
        : `the reference server does not compile:\n${stderr.trim()}`,
      noCompiler ? 'apt-get install -y --no-install-recommends gcc libc6-dev' : `See ${SOURCE}.`,
      { cause: error },
    )
  }
  return program
}

const SOCKET = 'reference.sock'
/** ms that the server may take until it listens. */
const START = 10_000

/** One running server. It ends by itself when QEMU does. */
export class ReferenceServer {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Starts `program`, listening in `dir`, a run's folder. */
  static async start(program: string, dir: string): Promise<ReferenceServer> {
    await mkdir(dir, { recursive: true })
    const [file = '', ...args] = guarded([program, SOCKET])
    const child = spawn(file, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
    let complaint = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000)
    })
    const signal = AbortSignal.timeout(START)
    const listens = await Promise.race([
      once(child.stdout as NonNullable<typeof child.stdout>, 'data', { signal }).then(() => true),
      once(child, 'exit', { signal }).then(() => false),
    ]).catch(() => false)
    if (listens) return new ReferenceServer(child)
    child.kill('SIGKILL')
    throw new HostProblem(
      `the reference server does not listen in ${dir}: ${complaint.trim()}`,
      `Run ${program} ${SOCKET} by hand.`,
    )
  }

  /** The function that it serves, for a board whose folder it was started in. */
  at(at: Device['at']): Device {
    const properties = { socket: { type: 'unix', path: SOCKET } }
    return { at, model: 'vfio-user-pci', virtio: false, properties, backend: undefined, before: [] }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
