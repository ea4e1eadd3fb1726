// The layers of guestrig, from the top down. A folder may import from the folders of a row below its own, never from
// its own row or above, and only through the other folder's index.ts.
const rows = [
  ['cli'],
  ['bench', 'bisect', 'report', 'suite'],
  ['scenario'],
  ['platform'],
  ['board', 'virtio'],
  ['pci'],
  ['vfio-user', 'grants', 'console'],
  ['system'],
]

const folder = (name) => `^harness/${name}/`

const upward = rows.flatMap((row, depth) =>
  row.flatMap((name) => {
    const others = rows
      .slice(0, depth + 1)
      .flat()
      .filter((other) => other !== name)
    // An empty list would forbid everything.
    if (others.length === 0) return []
    return {
      name: `${name}-imports-only-from-below`,
      severity: 'error',
      from: { path: folder(name) },
      to: { path: others.map(folder) },
    }
  }),
)

module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'enter-by-the-door',
      comment: "A folder's index.ts is its door; nobody reaches past it.",
      severity: 'error',
      from: { path: '^harness/([^/]+)/' },
      to: { path: '^(harness/[^/]+|images)/.', pathNot: ['^harness/$1/', '/index\\.ts$'] },
    },
    {
      name: 'images-know-nothing-of-boards',
      severity: 'error',
      from: { path: '^images/' },
      to: { path: '^harness/' },
    },
    {
      name: 'scenarios-import-only-the-public-door',
      severity: 'error',
      from: { path: '^scenarios/' },
      to: { path: '^(harness|images)/', pathNot: '^harness/index\\.ts$' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^coverage/', '^guestrig-runs/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
}
