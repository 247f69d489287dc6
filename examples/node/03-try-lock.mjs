// Do not wait: a job that somebody else does already need not be done again.
//
// That somebody else holds the lock is a result; that too few servers answer is an error.
import { Client } from 'quorlock'

import { nodes } from './nodes.mjs'

// Two schedulers, as on two machines; the owner text is what `inspect` shows.
const [first, second] = ['scheduler 1', 'scheduler 2'].map((owner) => new Client(nodes, { owner }))
const job = 'example:nightly-report'

const guard = await first.mutex(job).tryAcquire()
if (guard === null) {
  console.log('another run of this example is at it')
} else {
  console.log('scheduler 1: starts the report')
  if ((await second.mutex(job).tryAcquire()) === null) {
    const { holder } = await second.inspect(job)
    console.log(`scheduler 2: nothing to do, held by ${holder ?? 'nobody'}`)
  } else {
    console.log('scheduler 2: starts the report as well, which must not be')
  }
  await guard.release()
  const free = await second.mutex(job).tryAcquire()
  console.log(`scheduler 2: ${free === null ? 'still held' : 'free again'}`)
}
await Promise.all([first.close(), second.close()])
