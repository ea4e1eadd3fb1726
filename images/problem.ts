// SPDX-License-Identifier: Apache-2.0

/**
 * A problem of the host, or of what it was asked to use, and not of the guest: exit code 125, so that `git bisect run`
 * skips. The message names the thing; the remedy says what to do or to type.
 */
export class HostProblem extends Error {
  override readonly name = 'HostProblem'
  readonly remedy: string

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options)
    this.remedy = remedy
  }
}

/** The work was interrupted by its caller's AbortSignal (Ctrl-C); nothing half-written was left in the cache. */
export class Interrupted extends Error {
  override readonly name = 'AbortError'

  constructor() {
    super('interrupted')
  }
}

/** A tool ended with a status other than 0. */
export class ToolFailed extends Error {
  override readonly name = 'ToolFailed'
  readonly argv: readonly string[]
  /** Exit status as a shell counts it: 128 + n for signal n. */
  readonly status: number
  /** The last lines of standard error, or of standard output where that is empty. */
  readonly tail: string
  /** Everything on standard error. */
  readonly stderr: string

  constructor(argv: readonly string[], status: number, stdout: string, stderr: string) {
    const tail = (stderr.trim() || stdout.trim()).split('\n').slice(-12).join('\n')
    super(`${argv[0]} ended with status ${status}: ${tail}`)
    this.argv = argv
    this.status = status
    this.tail = tail
    this.stderr = stderr
  }
}

/** The package is not where the index said; a fresh index may know a newer one. */
export class PackageGone extends HostProblem {}

export function notSetUp(what: string): HostProblem {
  return new HostProblem(`not set up yet: ${what}`, 'guestrig setup')
}

/** The one message for a full disk, from whoever met it. */
export function diskFull(cause: unknown, where = 'of the cache (or of /tmp)'): HostProblem {
  return new HostProblem(
    `the disk ${where} is full`,
    'free some space (a first set-up needs about 2 GB) or point GUESTRIG_CACHE to another disk, then repeat the command',
    { cause },
  )
}

/** Errors of the file system for which the host is to blame (errno(3)), and what to do. */
const FILE_PROBLEMS: Record<string, string> = {
  EACCES: 'may not be written',
  EPERM: 'may not be written',
  EROFS: 'is on a read-only file system',
  ENOTDIR: 'is not a folder',
  EMFILE: 'cannot be read: too many open files',
  EIO: 'cannot be read: input/output error',
}

/** What a person is told of an error that came out of the work on a cache; an error of ours stays as it is. */
export function asHostProblem(error: unknown, cache: string): unknown {
  if (error instanceof HostProblem || error instanceof Interrupted || !(error instanceof Error)) return error
  if (error instanceof ToolFailed) {
    return new HostProblem(error.message, 'see what the tool says; guestrig doctor shows what is there', {
      cause: error,
    })
  }
  const { code = '', path = cache } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(error, `of ${cache}`)
  const what = FILE_PROBLEMS[code]
  if (!what) return error
  return new HostProblem(`${path} ${what}`, `mend that, or point GUESTRIG_CACHE (now ${cache}) elsewhere`, {
    cause: error,
  })
}
