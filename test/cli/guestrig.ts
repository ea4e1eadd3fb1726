// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { execa } from 'execa'

const PROJECT = resolve(import.meta.dirname, '../..')

/** The command line as a person calls it, without colours (a CI is given some); never throws. */
export const guestrig = (args: string[], { env = {} }: { env?: Record<string, string> } = {}) =>
  execa('node', [resolve(PROJECT, 'bin/guestrig.mjs'), ...args], {
    reject: false,
    cwd: PROJECT,
    env: { NO_COLOR: '1', ...env },
    all: true,
  })
