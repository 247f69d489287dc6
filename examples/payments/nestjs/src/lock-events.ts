import type { LockEvent } from 'quorlock'

import { tell } from './tell.js'

const order = (resource: string): string => resource.replace('payment:', '')

/** Tells the demo what becomes of the publisher's locks. */
export function tellScheduled({ kind, resource, spanMs }: LockEvent): void {
  if (kind === 'acquired') tell('locked', order(resource), { wait_ms: spanMs })
  if (kind === 'detached') tell('scheduled', order(resource))
  // Not handed over: the client is told of the failure, and asks again.
  if (kind === 'released') tell('released', order(resource))
  if (kind === 'contended') tell('duplicate', order(resource))
}

/** Tells the demo what becomes of a processor's locks. */
export function processorEvents(): (event: LockEvent) => void {
  // A ticket that has run out is answered by a new lock, which then is handed over to the same job.
  const afresh = new Set<string>()
  return ({ kind, resource, detail, spanMs }) => {
    const of = order(resource)
    if (kind === 'acquired') {
      afresh.add(of)
      tell('refused', of, { why: 'the ticket has run out' })
      tell('afresh', of, { wait_ms: spanMs })
    } else if (kind === 'adopted' && !afresh.delete(of)) {
      tell('adopted', of, { wait_ms: spanMs })
    } else if (kind === 'released' || (kind === 'detached' && !afresh.has(of))) {
      // Detached: the work failed, and the lock waits with the job for its next time.
      tell('released', of)
    } else if (kind === 'lost') {
      tell('lost', of, { how: `the signal of the lock: ${detail}` })
    }
  }
}
