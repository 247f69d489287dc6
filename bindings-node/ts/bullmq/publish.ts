import type { Job, JobsOptions } from 'bullmq'

import type { DetachOptions, Guard } from '../guard.js'
import type { AcquireOptions, Mutex } from '../mutex.js'
import type { Ticket } from '../ticket.js'
import type { Locked } from './locked-data.js'

/** How a locked job is published. */
export interface PublishOptions {
  /**
   * How long the job may stay in its queue, delay included: the ticket is good for so long. The
   * lease's own ttl by default.
   */
  readonly ttlMs?: number | undefined
  /** BullMQ's own options of the job. */
  readonly job?: JobsOptions | undefined
}

/** What is needed of a BullMQ queue whose jobs have `Locked<T>` as their data. */
export interface LockedQueue<T> {
  add(name: string, data: Locked<T>, options?: JobsOptions): Promise<Job<Locked<T>>>
}

/**
 * Locks the resource, and publishes a job that carries the lock to whoever processes it. `null`
 * where somebody else has the lock, which is to say that the work is scheduled or under way already:
 * then nothing is published.
 *
 * From here to the end of the work there is no moment in which the resource is free. Where publishing
 * fails the lock is given back; where the publisher dies, it ends with its ttl.
 */
export async function addLocked<T extends object>(
  queue: LockedQueue<T>,
  mutex: Mutex,
  name: string,
  data: T,
  options: PublishOptions & { readonly acquire?: AcquireOptions | undefined } = {},
): Promise<Job<Locked<T>> | null> {
  const guard = await mutex.tryAcquire(options.acquire)
  return guard === null ? null : addWithGuard(queue, guard, name, data, options)
}

/** Publishes a job that carries a lock that is held already; the guard ends here in any case. */
export async function addWithGuard<T extends object>(
  queue: LockedQueue<T>,
  guard: Guard,
  name: string,
  data: T,
  options: PublishOptions = {},
): Promise<Job<Locked<T>>> {
  const ticket = await handOver(guard, options.ttlMs === undefined ? {} : { ttlMs: options.ttlMs })
  const lock = { resource: guard.resource, ticket: ticket.encode() }
  try {
    return await queue.add(name, { ...data, quorlock: lock }, options.job)
  } catch (error) {
    await giveBack(guard, ticket)
    throw error
  }
}

/** The ticket to the guard's lock; where there is none to be had, the lock is given back. */
async function handOver(guard: Guard, options: DetachOptions): Promise<Ticket> {
  try {
    return await guard.detach(options)
  } catch (error) {
    // Nobody would release it any more: it would be renewed, and in the way, up to `holdMsMax`.
    await guard.release().catch(() => undefined)
    throw error
  }
}

/** Frees a lock whose job was not published; where that fails too, its ttl frees it. */
async function giveBack(guard: Guard, ticket: Ticket): Promise<void> {
  const taken = await guard.client.adopt(ticket).catch(() => null)
  await taken?.release()
}
