// Hand a held lock to whoever does the work: the publisher locks, the consumer releases.
//
// Between the two there is no moment in which the resource is free, and of all who get the same ticket,
// because a queue delivers at least once, one goes on with the lock.
import { Client, NotHeldError } from 'quorlock'

import { nodes } from './nodes.mjs'

const [publisher, consumer, twin] = Array.from({ length: 3 }, () => new Client(nodes))

/** Why the ticket is refused. */
async function refused(ticket) {
  try {
    await twin.adopt(ticket)
    return 'taken, which must not be'
  } catch (error) {
    if (!(error instanceof NotHeldError)) throw error
    return error.ticketState
  }
}

const held = await publisher.mutex('example:payment:42').acquire({ waitMs: 10_000 })
// Good for 30 s in the queue; the publisher's guard ends here.
const ticket = await held.detach({ ttlMs: 30_000 })
console.log(`publisher: ticket ${ticket.id} for ${ticket.resource}`)

// A secret like the lock itself: into the job's data with it, not into a log.
const job = ticket.encode()

const guard = await consumer.adopt(job)
console.log(`consumer: has the lock, and a larger token: ${guard.fencingToken > held.fencingToken}`)
console.log(`delivered twice: ${await refused(job)}`)
await guard.release()
console.log(`delivered later: ${await refused(job)}`)
await Promise.all([publisher, consumer, twin].map((client) => client.close()))
