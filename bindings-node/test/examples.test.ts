import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

import { startServers, type Server } from 'quorlock-test-servers'

const EXAMPLES = resolve(__dirname, '../../../examples')
const run = promisify(execFile)

/** What each example says, line by line. */
const SAYS: Record<string, readonly RegExp[]> = {
  'node/01-mutex.mjs': [/^balance 100 of 100$/],
  'node/02-auto-renew.mjs': [
    /^300 ms of work, valid for another \d+ ms$/,
    /^600 ms of work/,
    /^900 ms of work/,
    /^1200 ms of work/,
    /^held four times the ttl, then released$/,
  ],
  'node/03-try-lock.mjs': [
    /^scheduler 1: starts the report$/,
    /^scheduler 2: nothing to do, held by .+\/node\/scheduler 1$/,
    /^scheduler 2: free again$/,
  ],
  'node/04-handoff.mjs': [
    /^publisher: ticket [0-9a-f]{24} for example:payment:42$/,
    /^consumer: has the lock, and a larger token: true$/,
    /^delivered twice: adopted$/,
    /^delivered later: spent$/,
  ],
  'node/05-fencing.mjs': [
    /^slow: expired$/,
    /^quick: written true$/,
    /^slow: written false$/,
    /^stored: by quick$/,
  ],
  'nestjs/build/06-decorator.js': [/^ann 50 bob 50$/, /^tokens, all different: 10$/],
}

let servers: Server[]

before(async () => {
  const tsc = createRequire(__filename).resolve('typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', join(EXAMPLES, 'nestjs')], { stdio: 'inherit' })
  servers = await startServers(3)
})

after(async () => {
  await Promise.all(servers.map((server) => server.stop()))
})

for (const [file, lines] of Object.entries(SAYS)) {
  test(`${file} says what it should, on an embedded node and on three servers`, async () => {
    const urls = servers.map((server) => server.url).join(',')
    for (const env of [{}, { QUORLOCK_NODES: urls }]) {
      const options = { env: { ...process.env, ...env }, timeout: 60_000 }
      const { stdout, stderr } = await run(process.execPath, [join(EXAMPLES, file)], options)
      assert.equal(stderr, '')
      const said = stdout.trimEnd().split('\n')
      assert.equal(said.length, lines.length, stdout)
      for (const [index, line] of lines.entries()) assert.match(said[index] ?? '', line)
    }
  })
}
