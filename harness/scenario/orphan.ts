// SPDX-License-Identifier: Apache-2.0

/**
 * Ends this process when the one that started it has gone, even by SIGKILL: the channel between them closes then. The boards of
 * this process end with it (`harness/board/guard.ts`).
 */
export function endWithParent(): void {
  if (process.channel) process.once('disconnect', () => process.exit(1))
}
