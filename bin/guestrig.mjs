#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Starts the command line from a bare clone: plain JavaScript, no dependencies. It sees to Node's version, to node_modules and to the
// JavaScript of the sources, and loads that in this same process, so that signals and the terminal are the CLI's own.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nameSources } from './stacks.mjs'

const OLDEST_NODE = [20, 19]
const CANNOT_TRY = 125

/** Lines shown of what npm says when it fails. */
const SHOWN_LINES = 8

const root = join(import.meta.dirname ?? '.', '..')
const lockFile = join(root, 'package-lock.json')
const installed = join(root, 'node_modules')
const stampFile = join(installed, '.guestrig-lock')

/** Set for the child that installs while it holds the lock. */
const INSTALLING = 'GUESTRIG_INSTALLING_MODULES'

function giveUp(message, remedy) {
  process.stderr.write(`error: ${message}\n→ ${remedy}\n`)
  process.exit(CANNOT_TRY)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  giveUp(
    `Node ${process.versions.node} is too old; ${OLDEST_NODE.join('.')} or later is needed`,
    'install a newer Node.js, for instance from https://nodejs.org',
  )
}

const lockHash = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex')

/** Whether node_modules holds what package-lock.json asks for. */
function modulesAreCurrent() {
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockHash()) return true
  // Installed by hand, perhaps: npm keeps a lock file of what it installed.
  const hidden = join(installed, '.package-lock.json')
  if (!existsSync(hidden)) return false
  const have = JSON.parse(readFileSync(hidden, 'utf8')).packages
  const want = JSON.parse(readFileSync(lockFile, 'utf8')).packages
  const same = Object.entries(want).every(
    ([path, { version, optional }]) => path === '' || optional || have[path]?.version === version,
  )
  if (same) writeFileSync(stampFile, lockHash())
  return same
}

/** Runs `npm ci`; two at once would pull the modules from under each other, so this happens in a child under flock(1). */
function installModules() {
  process.stderr.write('guestrig: installing the Node modules (npm ci) …\n')
  const argv = ['-x', join(root, 'bin'), process.execPath, import.meta.filename]
  const { status, error } = spawnSync('flock', argv, {
    stdio: 'inherit',
    env: { ...process.env, [INSTALLING]: '1' },
  })
  if (error) giveUp(`flock cannot be run: ${error.message}`, 'apt-get install util-linux')
  if (status !== 0) process.exit(status ?? CANNOT_TRY)
}

function installUnderLock() {
  if (modulesAreCurrent()) return
  const { status, stdout, error } = spawnSync(
    'sh',
    ['-c', 'npm ci --no-audit --no-fund --prefer-offline 2>&1'],
    {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  if (error || status !== 0) {
    // npm goes on with pages of usage; what is wrong is said first.
    const lines = (stdout ?? '').split('\n').filter((line) => /^npm (error|ERR!) \S/.test(line))
    process.stderr.write(`${lines.slice(0, SHOWN_LINES).join('\n')}\n`)
    giveUp(
      `the Node modules cannot be installed (${error?.message ?? `npm ci ended with status ${status}`})`,
      'mend what npm says above (is the npm registry reachable?), then repeat the command',
    )
  }
  writeFileSync(stampFile, lockHash())
}

checkNode()
if (process.env[INSTALLING]) {
  installUnderLock()
} else {
  if (!modulesAreCurrent()) installModules()
  nameSources()
  const { compiled } = await import('./compile.mjs')
  await import(join(await compiled(), 'harness/cli/main.js'))
}
