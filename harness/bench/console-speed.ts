// SPDX-License-Identifier: Apache-2.0
import { Demultiplexer, FailureScanner } from '../console/index.ts'

/** How much of a log is read, in bytes. */
const AMOUNT = 400 * 1000 * 1000
/** As much as one read of a socket gives. Bytes. */
const CHUNK = 64 * 1024

/** Lines as a kernel prints them when all is well, … */
const ORDINARY = [
  '[    2.393946] pci_bus 0000:00: root bus resource [bus 00-ff]',
  '[    2.445566] pci 0000:00:01.0: BAR 4 [mem 0x100000000-0x100003fff 64bit pref]: assigned',
  '[    2.479660] virtio-pci 0000:00:01.0: enabling device (0000 -> 0002)',
  '[    0.000000] Memory: 238832K/262144K available (8064K kernel code, 1024K rwdata, 2920K rodata, 1088K init)',
  '[    1.112233] random: crng init done',
  '[    1.520000] EXT4-fs (vda1): mounted filesystem with ordered data mode. Quota mode: none.',
  'Starting system logger: OK',
]
/** … and a failure once in so many of them. */
const SELDOM = 20_000
const FAILURE = [
  '[    3.000001] ------------[ cut here ]------------',
  '[    3.000002] WARNING: CPU: 1 PID: 77 at drivers/pci/pci.c:12 pci_enable_device_flags+0x10/0x20',
  '[    3.000003] Call trace:',
  '[    3.000004]  pci_enable_device_flags+0x10/0x20',
  '[    3.000005] ---[ end trace 0000000000000000 ]---',
]

/** Reads a made-up log through the line splitter and the catalogue, on one core, and says how fast that went. */
export function measureSpeed(): string {
  const lines = Array.from({ length: SELDOM }, (_, index) => ORDINARY[index % ORDINARY.length] ?? '')
  const log = Buffer.from(`${[...lines, ...FAILURE].join('\r\n')}\r\n`)
  read(log, 20_000_000)
  const before = process.memoryUsage().rss
  const began = process.cpuUsage()
  const { bytes, failures } = read(log, AMOUNT)
  const { user, system } = process.cpuUsage(began)
  const speed = bytes / (user + system)
  const growth = (process.memoryUsage().rss - before) / 1e6
  return `demultiplexer and catalogue: ${speed.toFixed(0)} MB/s of one core's time; ${(bytes / 1e6).toFixed(0)} MB, ${failures} failures, memory grew by ${growth.toFixed(0)} MB`
}

function read(log: Buffer, amount: number): { bytes: number; failures: number } {
  let failures = 0
  const scanner = new FailureScanner({ domain: 'DomU', found: () => failures++ })
  const wire = new Demultiplexer({ name: 'log', shared: false, nameOf: () => '' })
  let bytes = 0
  while (bytes < amount) {
    for (let at = 0; at < log.length; at += CHUNK) {
      for (const { text } of wire.push(log.subarray(at, at + CHUNK), 0)) scanner.push(text)
    }
    bytes += log.length
  }
  scanner.end()
  return { bytes, failures }
}
