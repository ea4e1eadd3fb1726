// SPDX-License-Identifier: Apache-2.0
import { ForkServer, type QemuProgram } from './fork-server.ts'

/** One for each QEMU command, that starts or has started. */
const servers = new Map<string, Promise<ForkServer>>()

// Whoever waits for this process shall have waited for what it started as well.
process.once('beforeExit', () => void endForkServers())

/**
 * This process's fork server of a QEMU; it starts at the first call, with the environment that there is then. When it has gone, the
 * next call starts another.
 *
 * @throws HostProblem when it does not start.
 */
export function forkServerOf({ command, forkServer }: QemuProgram): Promise<ForkServer> {
  const key = JSON.stringify([forkServer, ...command])
  const known = servers.get(key)
  if (known) return known
  const server = ForkServer.start({ command, forkServer })
  servers.set(key, server)
  const forget = () => servers.delete(key)
  server.then(({ gone }) => gone).then(forget, forget)
  return server
}

/** Ends all of them. They end with this process, however that ends; but then nobody has waited for them, and no clock has what they took. */
export async function endForkServers(): Promise<void> {
  const started = await Promise.allSettled(servers.values())
  await Promise.all(
    started.map(async (server) => server.status === 'fulfilled' && (await server.value.end())),
  )
}
