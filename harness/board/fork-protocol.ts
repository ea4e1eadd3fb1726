// SPDX-License-Identifier: Apache-2.0
/** What this process and QEMU's fork server tell each other: records of a socket, as `images/host/fork-server.c` has them. */

/** Bytes that the strings of a request may have together. */
export const MAX_STRINGS = 128 * 1024

/** The server's last argument: room for the arguments of what it forks, so that they can be seen from outside (proc(5), /proc/PID/cmdline). */
export const ROOM = ' '.repeat(16 * 1024)

const RequestType = { START: 1, KILL: 2 } as const

/** Asks for a child that runs with more arguments, in a folder. File descriptors go beside it. */
export function startRequest(id: number, folder: string, args: readonly string[]): Buffer {
  return request(RequestType.START, id, [folder, ...args].map((text) => `${text}\0`).join(''))
}

/** Asks for the end of a child. */
export const killRequest = (id: number): Buffer => request(RequestType.KILL, id, '')

function request(type: number, id: number, strings: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(type, 0)
  header.writeUInt32LE(id, 4)
  return Buffer.concat([header, Buffer.from(strings)])
}

export const ReportType = { READY: 1, STARTED: 2, NOT_STARTED: 3, EXITED: 4, SIGNALLED: 5 } as const

export interface Report {
  type: number
  /** Of the request. */
  id: number
  /** pid, errno, exit status or signal. */
  value: number
}

export const readReport = (bytes: Buffer): Report => ({
  type: bytes.readUInt32LE(0),
  id: bytes.readUInt32LE(4),
  value: bytes.readUInt32LE(8),
})
