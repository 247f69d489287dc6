// The store has the last word: a holder that comes too late is refused by its token.
//
// No lock service can stop a process that sleeps between its last look at the lock and its write. Tokens
// only grow, so a store that remembers the largest can tell who is late.
import { setTimeout } from 'node:timers/promises'

import { Client } from 'quorlock'

import { nodes } from './nodes.mjs'

/** A store that remembers the largest token it has seen. */
const store = {
  last: 0,
  text: '',
  /**
   * Writes unless a later holder has written. A database does the same in one statement:
   * `UPDATE … SET text = $1, token = $2 WHERE id = $3 AND token < $2`.
   */
  write(token, text) {
    const newer = token > this.last
    if (newer) [this.last, this.text] = [token, text]
    return newer
  },
}

const [slow, quick] = [new Client(nodes), new Client(nodes)]
const waitMs = 10_000

// Without renewal, as if the process were paused before the renewal could run.
const short = { waitMs, ttlMs: 100, renew: false }
const late = await slow.mutex('example:document').acquire(short)
while (!late.signal.aborted) await setTimeout(10)
console.log(`slow: ${late.signal.reason.loss}`)

const guard = await quick.mutex('example:document').acquire({ waitMs })
console.log(`quick: written ${store.write(guard.fencingToken, 'by quick')}`)
await guard.release()

// It did not look, or looked before the pause: the store knows better.
console.log(`slow: written ${store.write(late.fencingToken, 'by slow')}`)
console.log(`stored: ${store.text}`)
await Promise.all([slow.close(), quick.close()])
