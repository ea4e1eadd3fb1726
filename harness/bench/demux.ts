// SPDX-License-Identifier: Apache-2.0
/**
 * What the demultiplexer takes in, for `npm run bench:demux`: MB/s, by the processor's time and by the clock, and how the heap grew over
 * the whole log. No line is kept.
 */
import { loadavg } from 'node:os'
import { Demultiplexer, XEN } from '../console/index.ts'

/** Bytes of each log, and of what comes at a time: a pipe's buffer. */
const [LOG, CHUNK] = [256 << 20, 64 << 10]
const ROUNDS = 3

const SAID = [
  'pci-host-generic 10000000.pcie: host bridge /passthrough/pcie@10000000 ranges:',
  'pci 0000:00:01.0: BAR 4 [mem 0x100000000-0x100003fff 64bit pref]: assigned',
  'rcu: srcu init',
  'Kernel command line: console=ttyAMA0 earlycon=pl011,0x22000000 guestrig.agent',
  'NET: Registered PF_INET protocol family',
  'clocksource: arch_sys_counter: mask: 0x1ffffffffffffff max_cycles: 0x1cd42e208c, max_idle_ns: 881590405314 ns, and some more of it here',
]
const said = (line: number) =>
  `[${String(line >> 6).padStart(5)}.${String(100_000 + (line & 63))}] ${SAID[line % SAID.length]}`

/** As Xen prints a vpl011 guest's line. */
function vpl011(domid: number, line: string): string {
  let printed = ''
  for (let rest = `${line}\r`; ; rest = rest.slice(126)) {
    printed += `(XEN) DOM${domid}: ${rest.slice(0, 126)}\r\n`
    if (rest.length < 126) return printed
  }
}

/** One row a log: whether Xen shares its wire, and its lines. */
const LOGS: readonly { name: string; shared: boolean; line: (number: number) => string }[] = [
  { name: "one domain's kernel log", shared: false, line: (n) => `${said(n)}\r\n` },
  {
    name: 'the same with colours and UTF-8',
    shared: false,
    line: (n) => `\x1b[32m${said(n)}\x1b[0m größe\r\n`,
  },
  { name: 'one line that never ends', shared: false, line: (n) => said(n) },
  {
    name: 'Xen and two domUs',
    shared: true,
    line: (n) => (n % 7 ? vpl011(1 + (n % 2), said(n)) : '(XEN) noise\r\n'),
  },
  {
    name: 'Xen, a domU and dom0, every third line torn',
    shared: true,
    line: (n) =>
      n % 3 ? `${said(n)}\r\n` : `${said(n).slice(0, 20)}${vpl011(1, said(n))}${said(n).slice(20)}\r\n`,
  },
]

function chunksOf(line: (number: number) => string): Buffer[] {
  let text = ''
  for (let number = 0; text.length < 16 << 20; number++) text += line(number)
  const bytes = Buffer.from(text)
  return Array.from({ length: Math.floor(bytes.length / CHUNK) }, (_, i) =>
    bytes.subarray(i * CHUNK, (i + 1) * CHUNK),
  )
}

const names = new Map<number | typeof XEN, string>([
  [XEN, XEN],
  [0, 'dom0'],
  [1, 'DomU'],
  [2, 'DomU2'],
])

for (const { name, shared, line } of LOGS) {
  const chunks = chunksOf(line)
  const times = Math.ceil(LOG / (chunks.length * CHUNK))
  let [byProcessor, byClock, lines, growth] = [0, 0, 0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    const demultiplexer = new Demultiplexer({ name: 'uart0', shared, nameOf: (who) => names.get(who) ?? XEN })
    const heap = process.memoryUsage().heapUsed
    const [begin, cpu] = [performance.now(), process.cpuUsage()]
    lines = 0
    for (let time = 0; time < times; time++) {
      for (const chunk of chunks) lines += demultiplexer.push(chunk, 0).length
    }
    const { user, system } = process.cpuUsage(cpu)
    const mb = (times * chunks.length * CHUNK) / 1e6
    byProcessor = Math.max(byProcessor, mb / ((user + system) / 1e6))
    byClock = Math.max(byClock, mb / ((performance.now() - begin) / 1e3))
    growth = Math.max(growth, process.memoryUsage().heapUsed - heap)
  }
  console.log(
    `${name}: ${byProcessor.toFixed(0)} MB/s of processor time, ${byClock.toFixed(0)} MB/s by the clock; ${(lines / 1e6).toFixed(1)} million lines, heap grew by at most ${(growth / 1e6).toFixed(0)} MB`,
  )
}
console.log(
  `best of ${ROUNDS}, ${LOG >> 20} MiB each; load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}`,
)
