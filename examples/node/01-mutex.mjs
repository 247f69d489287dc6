// One holder at a time: ten tasks add to a counter that is read, and written back a moment later.
//
// Without the lock most of the additions would be lost. Each task has a client of its own, as if it were
// a process of its own.
import { setTimeout } from 'node:timers/promises'

import { Client } from 'quorlock'

import { nodes } from './nodes.mjs'

let balance = 0

async function addTen() {
  const client = new Client(nodes)
  const account = client.mutex('example:account:7')
  for (let added = 0; added < 10; added++) {
    // Waits in a queue, first in, first out over all clients, for up to 10 s.
    const guard = await account.acquire({ waitMs: 10_000 })
    const seen = balance
    await setTimeout(1)
    // Throws if the lock was lost meanwhile: then the write must not happen.
    guard.check()
    balance = seen + 1
    await guard.release()
  }
  await client.close()
}

await Promise.all(Array.from({ length: 10 }, addTen))
console.log(`balance ${balance} of 100`)
