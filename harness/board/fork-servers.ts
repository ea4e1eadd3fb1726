// SPDX-License-Identifier: Apache-2.0
import { ForkServer, type QemuProgram } from './fork-server.ts'

/** One for each QEMU command, that starts or has started. */
const servers = new Map<string, Promise<ForkServer>>()

/**
 * This process's fork server of a QEMU; it starts at the first call. When it has gone, the next call starts another.
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

/** Ends all of them. They would end with this process; but who measures what it took wants to have waited for them. */
export async function endForkServers(): Promise<void> {
  const started = await Promise.allSettled(servers.values())
  await Promise.all(
    started.map(async (server) => server.status === 'fulfilled' && (await server.value.end())),
  )
}
