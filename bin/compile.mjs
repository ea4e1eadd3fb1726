// SPDX-License-Identifier: Apache-2.0
/**
 * The TypeScript as JavaScript, made once for each state of the sources: a command then starts in the time that Node itself needs.
 * Plain JavaScript, because it runs before any TypeScript can.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const cache = join(root, 'node_modules/.cache/guestrig')

/** What is compiled as a whole. */
const SOURCES = ['harness', 'images', 'scenarios']
const DOOR = 'harness/index.ts'
const CORE = ['harness/cli/main.ts', 'harness/suite/worker.ts', 'harness/bench/account.ts', DOOR]
const SCENARIO = '.scenario.ts'

/** Packages that stay where they are: they load files of their own. All others are compiled in, which spares Node the search for hundreds of files. */
const LEFT = ['esbuild', 'koffi', 'vite', 'vitest']

/** What packages in CommonJS call for Node's own modules. */
const REQUIRE = {
  js: `import { createRequire as require_ } from 'node:module'; const require = require_(import.meta.url);`,
}

/** Hours after its last use until the JavaScript of an earlier state goes. */
const KEPT = 24

/** Every TypeScript file below the sources' folders, with what tells one state of it from another. */
function sourceFiles() {
  return SOURCES.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => {
        const { mtimeMs, size } = statSync(join(root, folder, file))
        return { file: join(folder, file), state: `${mtimeMs} ${size}` }
      }),
  ).sort((a, b) => (a.file < b.file ? -1 : 1))
}

const digest = (/** @type {string} */ text) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** @type {string | undefined} */
let folder

/** The folder that holds the sources' JavaScript, at the same paths; compiles them if it is not there. */
export async function compiled() {
  if (folder) return folder
  const files = sourceFiles()
  const { mtimeMs } = statSync(fileURLToPath(import.meta.url))
  const states = files.map(({ file, state }) => `${file} ${state}`)
  const place = join(cache, digest([root, process.versions.node, mtimeMs, ...states].join('\n')))
  if (existsSync(place)) touch(place)
  else {
    const scripts = files.map(({ file }) => file).filter((file) => file.endsWith(SCENARIO))
    // A scenario that cannot be compiled is a matter of that scenario's.
    await make(place, [...CORE, ...scripts]).catch(() => make(place, CORE))
    removeUnused(cache)
  }
  folder = place
  return place
}

/**
 * The JavaScript of one scenario script, wherever it lies. It is kept where the script is all that it was made of; a script of several files is
 * compiled each time, as nobody knows which they are before.
 *
 * @param {string} file absolute path
 */
export async function compiledScript(file) {
  const place = await compiled()
  const within = relative(root, file)
  const ready = join(place, javaScript(within))
  if (!within.startsWith('..') && existsSync(ready)) return ready
  const scripts = join(place, 'scripts')
  const packages = nearest(dirname(file), 'node_modules')
  const settings = nearest(dirname(file), 'tsconfig.json')
  const madeOf = [file, readFileSync(file), packages, settings && readFileSync(settings)]
  const kept = join(scripts, digest(madeOf.join('\n')))
  const name = javaScript(basename(file))
  if (existsSync(kept)) {
    touch(kept)
    return join(kept, name)
  }
  const draft = `${kept}.${process.pid}`
  const remove = () => rmSync(draft, { recursive: true, force: true })
  // A process that was killed may have had the same number.
  remove()
  process.once('exit', remove)
  mkdirSync(draft, { recursive: true })
  // It finds the packages that the script itself would find.
  if (packages) symlinkSync(packages, join(draft, 'node_modules'))
  const plugins = [ownDirectories, borrowed(place)]
  const files = await bundle([file], { outfile: join(draft, name), packages: 'external', plugins })
  if (files > 1) return join(draft, name)
  moveTo(kept, draft)
  removeUnused(scripts)
  return join(kept, name)
}

const javaScript = (/** @type {string} */ file) => file.replace(/\.[cm]?[jt]s$/, '.js')

/**
 * Compiles `entries` into `place`, which is there as a whole or not at all.
 *
 * @param {string} place
 * @param {string[]} entries
 */
async function make(place, entries) {
  const draft = `${place}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  try {
    await bundle(
      entries.map((entry) => join(root, entry)),
      {
        outdir: draft,
        outbase: root,
        splitting: true,
        external: LEFT,
        banner: REQUIRE,
        plugins: [ownDirectories],
      },
    )
    moveTo(place, draft)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/**
 * @param {string} place
 * @param {string} draft
 */
function moveTo(place, draft) {
  try {
    renameSync(draft, place)
  } catch (error) {
    // Somebody else has made the same in the meantime.
    if (!existsSync(place)) throw error
  }
}

/**
 * Resolves with the number of files that went in.
 *
 * @param {string[]} entryPoints
 * @param {import('esbuild').BuildOptions} options
 */
async function bundle(entryPoints, options) {
  const { build } = await import('esbuild')
  const { metafile } = await build({
    ...{ entryPoints, bundle: true, format: 'esm', platform: 'node', target: `node${process.versions.node}` },
    ...{ sourcemap: 'linked', sourcesContent: false, logLevel: 'silent' },
    ...options,
    metafile: true,
  })
  return Object.keys(metafile.inputs).length
}

/**
 * A module knows where its source lies, not where its JavaScript does; and what is beside this file is itself, not a copy.
 *
 * @type {import('esbuild').Plugin}
 */
const ownDirectories = {
  name: 'own-directories',
  setup(build) {
    build.onResolve({ filter: /\/bin\/\w+\.mjs$/ }, ({ path }) => ({
      path: new URL(basename(path), import.meta.url).href,
      external: true,
    }))
    build.onLoad({ filter: /\.[cm]?ts$/ }, async ({ path }) => {
      const contents = (await readFile(path, 'utf8'))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.filename', JSON.stringify(path))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
      return { contents, loader: 'ts' }
    })
  },
}

/**
 * A script from elsewhere shares the harness with everybody.
 *
 * @param {string} place
 * @returns {import('esbuild').Plugin}
 */
const borrowed = (place) => ({
  name: 'borrowed',
  setup(build) {
    build.onResolve({ filter: /\/harness\/index\.ts$/ }, ({ path, resolveDir }) =>
      resolve(resolveDir, path) === join(root, DOOR)
        ? { path: pathToFileURL(join(place, javaScript(DOOR))).href, external: true }
        : undefined,
    )
  },
})

/**
 * What has this name in the folder, or else in the nearest one above that has it.
 *
 * @param {string} folder
 * @param {string} name
 * @returns {string | undefined}
 */
function nearest(folder, name) {
  const place = join(folder, name)
  if (existsSync(place)) return place
  return folder === dirname(folder) ? undefined : nearest(dirname(folder), name)
}

/** @param {string} place */
function touch(place) {
  const now = new Date()
  utimesSync(place, now, now)
}

/**
 * Removes what no command has used for long.
 *
 * @param {string} folder
 */
function removeUnused(folder) {
  const oldest = Date.now() - KEPT * 3600_000
  for (const name of readdirSync(folder)) {
    const place = join(folder, name)
    // Another process may have removed its own draft meanwhile.
    const { mtimeMs } = statSync(place, { throwIfNoEntry: false }) ?? { mtimeMs: oldest }
    if (mtimeMs < oldest) rmSync(place, { recursive: true, force: true })
  }
}
