// SPDX-License-Identifier: Apache-2.0

/** Of a look: what is behind, lines, words that matter and words that explain, and the parts of a bar. */
interface Look {
  ground: string
  grid: string
  words: string
  quiet: string
  parts: Record<
    'initStarted' | 'initAtWork' | 'storeReached' | 'domainsUp' | 'driverLoaded' | 'toggleAnswered',
    string
  >
}

/** Neighbours in a bar differ in hue and in lightness. */
const LIGHT: Look = {
  ...{ ground: '#ffffff', grid: '#d8dee4', words: '#1f2328', quiet: '#59636e' },
  parts: {
    ...{ initStarted: '#2a78d6', initAtWork: '#eda100', storeReached: '#4a3aa7' },
    ...{ domainsUp: '#1baf7a', driverLoaded: '#d03b3b', toggleAnswered: '#17191c' },
  },
}

const DARK: Look = {
  ...{ ground: '#0d1117', grid: '#30363d', words: '#e6edf3', quiet: '#9198a1' },
  parts: {
    ...{ initStarted: '#3987e5', initAtWork: '#e0a526', storeReached: '#9085e9' },
    ...{ domainsUp: '#199e70', driverLoaded: '#e66767', toggleAnswered: '#f0f3f6' },
  },
}

const colours = ({ ground, grid, words, quiet, parts }: Look): string =>
  [
    `.ground { fill: ${ground} }`,
    `.grid { stroke: ${grid} }`,
    `.title, .platform, .plain, .end { fill: ${words} }`,
    `.quiet, .tick { fill: ${quiet} }`,
    ...Object.entries(parts).map(([part, colour]) => `.${part} { fill: ${colour} }`),
  ].join(' ')

/** The chart's style sheet: light, and dark where the reader's screen is. */
export const STYLE = [
  'text { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 12px }',
  '.title { font-size: 18px; font-weight: 600 } .platform { font-size: 14px; font-weight: 600 }',
  '.end { font-weight: 600 } .quiet { font-size: 11px } .tick { font-size: 11px; text-anchor: middle }',
  colours(LIGHT),
  `@media (prefers-color-scheme: dark) { ${colours(DARK)} }`,
].join('\n')
