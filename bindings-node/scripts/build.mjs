// Makes dist/ of ts/: CommonJS by tsc, and for each entry a module that passes the same objects on.
// One implementation behind both, so that `instanceof` holds whoever imported what, and each
// environment has one bridge.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const root = new URL('../', import.meta.url)
const require = createRequire(import.meta.url)
const tsc = require.resolve('typescript/bin/tsc')
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' })

const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
for (const entry of Object.values(exports)) {
  if (typeof entry === 'string') continue
  const passOn = `export * from './index.js'\n`
  writeFileSync(new URL(entry.import.default, root), passOn)
  writeFileSync(new URL(entry.import.types, root), passOn)
}
