// The public types of all entries as one text, api/quorlock.d.ts, so that a change of the API shows in
// a diff. With --check it fails where the text is stale.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const snapshot = new URL('api/quorlock.d.ts', root)
const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
const entries = Object.values(exports).filter((entry) => typeof entry !== 'string')

const texts = new Map()
function read(url) {
  if (texts.has(url.href)) return
  const text = readFileSync(url, 'utf8')
  texts.set(url.href, text)
  for (const [, path] of text.matchAll(/from '(\.[^']+)\.js'|import\("(\.[^"]+)\.js"\)/g)) {
    if (path !== undefined && !path.includes('native/')) read(new URL(`${path}.d.ts`, url))
  }
}
for (const entry of entries) read(new URL(entry.require.types, root))

const dist = new URL('dist/', root).href
const sections = [...texts]
  .map(([href, text]) => [href.slice(dist.length), text])
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([path, text]) => `// ${path}\n${text}`)
const fresh = sections.join('\n')

if (process.argv.includes('--check')) {
  const kept = existsSync(snapshot) ? readFileSync(snapshot, 'utf8') : ''
  if (kept !== fresh) {
    console.error('api/quorlock.d.ts is stale: look at the change, then run make fix-node')
    process.exitCode = 1
  }
} else {
  mkdirSync(new URL('api/', root), { recursive: true })
  writeFileSync(snapshot, fresh)
}
