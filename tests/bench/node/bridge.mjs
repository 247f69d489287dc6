// What crossing the bridge costs by itself: calls that the native side answers at once.
import { createRequire } from 'node:module'

import { median } from './figures.mjs'

// The bridge is no part of the package's interface.
const require = createRequire(new URL('../../../bindings-node/package.json', import.meta.url))
const { bridge, call } = require('./dist/bridge.js')

const ROUNDS = 7
const CALLS = 20_000

const noop = () => call({}, (id) => bridge.noop(id))

export async function bridgeAlone(figures) {
  for (const atOnce of [1, 100, 1_000]) {
    const samples = []
    for (let round = 0; round < ROUNDS; round++) {
      const started = process.hrtime.bigint()
      for (let done = 0; done < CALLS; done += atOnce) {
        await Promise.all(Array.from({ length: atOnce }, noop))
      }
      samples.push(Number(process.hrtime.bigint() - started) / 1_000 / CALLS)
    }
    const measure = atOnce === 1 ? 'one after the other' : `${atOnce} at once`
    figures.add('the bridge alone', 'quorlock', measure, median(samples), 'µs')
  }
}
