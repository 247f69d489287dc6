// Packs what npm would get into target/npm: the package itself, and one package for this platform with
// the native module, as @napi-rs/cli lays them out. Then installs both in a clean folder and uses them
// from an ES module, from CommonJS and from TypeScript, as a user would.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const binding = fileURLToPath(new URL('../', import.meta.url))
const root = join(binding, '..')
const stage = join(root, 'target/npm/stage')
const tarballs = join(root, 'target/npm')
const require = createRequire(import.meta.url)

const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: 'inherit' })
const output = (command, args, cwd) => execFileSync(command, args, { cwd, encoding: 'utf8' })
const napi = (args, cwd) => run('npx', ['--no-install', 'napi', ...args], cwd)

rmSync(tarballs, { recursive: true, force: true })
mkdirSync(join(stage, 'artifacts'), { recursive: true })

const artifacts = join(stage, 'artifacts')
const build = ['build', '--platform', '--release', '--package', 'quorlock-node']
napi([...build, '--output-dir', artifacts, '--js', 'index.js', '--dts', 'index.d.ts'], binding)
mkdirSync(join(stage, 'native'))
for (const file of ['index.js', 'index.d.ts']) {
  cpSync(join(artifacts, file), join(stage, 'native', file))
}
const [addon] = readdirSync(artifacts).filter((file) => file.endsWith('.node'))
if (process.platform === 'linux') run('strip', ['--strip-unneeded', addon], artifacts)

for (const path of ['dist', 'README.md', 'package.json']) {
  cpSync(join(binding, path), join(stage, path), { recursive: true })
}
rmSync(join(stage, 'dist/.tsbuildinfo'), { force: true })
const licenses = ['LICENSE', 'LICENSE-MIT', 'LICENSE-APACHE']
for (const file of licenses) cpSync(join(root, file), join(stage, file))

// Only platforms that are in this release: a name without a package behind it is an invitation.
const host = output('rustc', ['-vV'], root).match(/^host: (.+)$/m)[1]
const manifest = JSON.parse(readFileSync(join(stage, 'package.json'), 'utf8'))
manifest.napi.targets = manifest.napi.targets.filter((target) => target === host)
delete manifest.devDependencies
delete manifest.scripts
const write = () => writeFileSync(join(stage, 'package.json'), JSON.stringify(manifest, null, 2))
write()
napi(['create-npm-dirs', '--npm-dir', 'npm'], stage)
napi(['artifacts', '--output-dir', 'artifacts', '--npm-dir', 'npm'], stage)
const platforms = readdirSync(join(stage, 'npm')).map((name) => join(stage, 'npm', name))
manifest.optionalDependencies = Object.fromEntries(
  platforms.map((path) => {
    const platform = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    return [platform.name, platform.version]
  }),
)
write()
for (const path of [stage, ...platforms]) {
  for (const file of licenses) {
    if (!existsSync(join(path, file))) cpSync(join(root, file), join(path, file))
  }
  run('npm', ['pack', '--silent', '--pack-destination', tarballs], path)
}
rmSync(stage, { recursive: true })

const packed = readdirSync(tarballs).map((file) => join(tarballs, file))
const clean = mkdtempSync(join(tmpdir(), 'quorlock-npm-'))
try {
  writeFileSync(join(clean, 'package.json'), '{ "private": true }\n')
  const types = `@types/node@${require('@types/node/package.json').version}`
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packed, types], clean)
  const work = `
    const client = new Client(['memory://clean'])
    const sum = await client.mutex('a').using((guard) => (guard.isHeld ? 2 : 0))
    await client.close()
    if (sum !== 2) throw new Error('not held')
  `
  writeFileSync(join(clean, 'module.mjs'), `import { Client } from 'quorlock'\n${work}`)
  const wrapped = `const { Client } = require('quorlock');(async () => {${work}})()`
  writeFileSync(join(clean, 'common.cjs'), wrapped)
  writeFileSync(
    join(clean, 'typed.mts'),
    `import { Client, type Guard } from 'quorlock'\n
    const client: Client = new Client(['memory://clean'], { ttlMs: 1_000 })
    const guard: Guard | null = await client.mutex('a').tryAcquire()
    // @ts-expect-error: a ttl is a number
    const wrong = () => client.mutex('a').acquire({ ttlMs: '5' })
    const token: number | null | undefined = guard?.fencingToken
    if (!token) throw new Error('not held')
    await guard?.release()
    export { wrong }
    `,
  )
  const compile = ['--module', 'Node16', '--target', 'ES2022', '--strict', '--types', 'node']
  const tsc = require.resolve('typescript/bin/tsc')
  run(process.execPath, [tsc, ...compile, '--ignoreConfig', 'typed.mts'], clean)
  for (const file of ['module.mjs', 'common.cjs', 'typed.mjs']) {
    run(process.execPath, [file], clean)
    console.log(`${file}: works from a clean folder`)
  }
} finally {
  rmSync(clean, { recursive: true })
}
for (const file of packed) console.log(file.slice(root.length + 1))
