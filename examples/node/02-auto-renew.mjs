// Work that takes longer than the lease: the engine renews it in the background.
//
// The ttl says how soon others may go on if this process dies, not how long the work may take. The renewal
// has a thread of its own, so it goes on while the event loop is blocked, as it is here.
import { Client } from 'quorlock'

import { nodes } from './nodes.mjs'

const client = new Client(nodes)
const ttlMs = 300
const guard = await client.mutex('example:report').acquire({
  ttlMs,
  waitMs: 10_000,
  // A process that hangs for ever shall not hold the lock for ever.
  holdMsMax: 60_000,
})
guard.signal.addEventListener('abort', () => console.error('stop working:', guard.signal.reason))

for (let step = 1; step <= 4; step++) {
  // Blocks the event loop on purpose, as a long computation does.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ttlMs)
  guard.check()
  const left = Math.floor(guard.remainingMs)
  console.log(`${step * ttlMs} ms of work, valid for another ${left} ms`)
}
const { result } = await guard.release()
console.log(`held four times the ttl, then ${result}`)
await client.close()
