import {
  DelayedError,
  RateLimitError,
  UnrecoverableError,
  WaitingChildrenError,
  WaitingError,
  type Job,
} from 'bullmq'

import type { Client } from '../client.js'
import { NotHeldError } from '../errors.js'
import type { Guard } from '../guard.js'
import { hold, type AcquireOptions } from '../mutex.js'
import { lockOf, withTicket, type Locked } from './locked-data.js'

/** A job's work. `signal` is aborted when the lock is lost, or BullMQ cancels the job. */
export type LockedWork<T, R> = (
  job: Job<Locked<T>, R>,
  guard: Guard,
  signal: AbortSignal,
) => Promise<R>

/** How a job's lock is taken over. */
export interface LockedProcessorOptions {
  /** The terms of the lease, as for `client.adopt`. */
  readonly acquire?: Omit<AcquireOptions, 'signal'> | undefined
  /**
   * What to do where the ticket has run out, because the job waited longer than its ttl or its last
   * worker died: lock afresh and do the work, or fail the job for good, with an
   * UnrecoverableError whose `cause` is the NotHeldError. `fail` by default.
   */
  readonly whenExpired?: 'acquire' | 'fail' | undefined
  /** How long a job whose lock another worker holds is put off before it is looked at again: 1 s. */
  readonly busyMs?: number | undefined
}

/** A BullMQ processor; it needs all three arguments to be told of a cancelled job. */
export type LockedProcessor<T, R> = (
  job: Job<Locked<T>, R>,
  token?: string,
  signal?: AbortSignal,
) => Promise<R | undefined>

const BUSY_MS = 1_000

/**
 * A processor for `new Worker(queue, processor)` that takes a job's lock over, keeps it renewed while
 * `work` runs, and gives it back.
 *
 * - Delivered again after the work was done: nothing is done, the job completes with `undefined`.
 * - Delivered again while another worker is at it: the job is put off and looked at later.
 * - The lock is lost while `work` runs: `signal` is aborted, the job's log says so, and the job fails
 *   with LeaseLostError where `work` returns all the same.
 * - `work` throws: that very error fails the job. Where BullMQ will try again the lock stays with the
 *   job; else it is given back.
 */
export function lockedProcessor<T extends object, R>(
  client: Client,
  work: LockedWork<T, R>,
  options: LockedProcessorOptions = {},
): LockedProcessor<T, R> {
  // All three arguments are named, because BullMQ counts them.
  return async (job, token, signal) => {
    const guard = await take(client, job, token, options)
    if (guard === undefined) return undefined
    const watched = signal === undefined ? [guard.signal] : [guard.signal, signal]
    const lost = (): void => {
      // The log is for people; that it could not be written must not fail the job as well.
      job.log(`quorlock: the lock was lost: ${guard.loss ?? 'unknown'}`).catch(() => undefined)
    }
    guard.signal.addEventListener('abort', lost, { once: true })
    return hold(guard, async () => {
      try {
        const done = await work(job, guard, AbortSignal.any(watched))
        if (guard.loss !== null) guard.check()
        return done
      } catch (error) {
        throw await failed(job, guard, error)
      } finally {
        guard.signal.removeEventListener('abort', lost)
      }
    })
  }
}

/** The job's lock; `undefined` where its work is done already. */
async function take<T, R>(
  client: Client,
  job: Job<Locked<T>, R>,
  token: string | undefined,
  options: LockedProcessorOptions,
): Promise<Guard | undefined> {
  const { resource, ticket } = lockOf(job.data)
  if (ticket !== null) {
    try {
      return await client.adopt(ticket, options.acquire)
    } catch (error) {
      if (!(error instanceof NotHeldError)) throw error
      if (error.ticketState === 'spent') return undefined
      if (error.ticketState === 'adopted') return putOff(job, token, options)
      if (options.whenExpired !== 'acquire') {
        // Another try would find the same ticket.
        throw forGood(error)
      }
    }
  }
  const guard = await client.mutex(resource).tryAcquire(options.acquire)
  if (guard === null) return putOff(job, token, options)
  // From now on the job has a ticket again, so that a second delivery can tell that it is done.
  let again: string
  try {
    again = await keepForNextTime(job, guard)
  } catch (error) {
    await guard.release().catch(() => undefined)
    throw error
  }
  return client.adopt(again, options.acquire)
}

/** Leaves the lock with the job instead of giving it back; the ticket. */
async function keepForNextTime<T, R>(job: Job<Locked<T>, R>, guard: Guard): Promise<string> {
  // First without a ticket: handing over uses the old one up, and a worker that dies in between must
  // not leave a job that looks done.
  await job.updateData(withTicket(job.data, null))
  return newTicket(job, guard)
}

async function newTicket<T, R>(job: Job<Locked<T>, R>, guard: Guard): Promise<string> {
  const ticket = (await guard.detach()).encode()
  await job.updateData(withTicket(job.data, ticket))
  return ticket
}

/** What the job has to fail with after its work ended with `error`; its lock stays with it if it comes again. */
async function failed<T, R>(
  job: Job<Locked<T>, R>,
  guard: Guard,
  error: unknown,
): Promise<unknown> {
  try {
    // A release says that the ticket's work is done, so first the job must not have that ticket any more.
    await job.updateData(withTicket(job.data, null))
  } catch {
    return forGood(error)
  }
  if (guard.isHeld && comesAgain(job, error)) {
    // Where that fails, the next try locks afresh.
    await newTicket(job, guard).catch(() => undefined)
  }
  return error
}

/** `error` as one after which BullMQ does not try again. */
function forGood(error: unknown): UnrecoverableError {
  const last = new UnrecoverableError(error instanceof Error ? error.message : String(error))
  last.cause = error
  return last
}

async function putOff<T, R>(
  job: Job<Locked<T>, R>,
  token: string | undefined,
  { busyMs = BUSY_MS }: LockedProcessorOptions,
): Promise<never> {
  await job.moveToDelayed(Date.now() + busyMs, token)
  throw new DelayedError()
}

/** True where BullMQ will deliver the job again after `error`. */
function comesAgain(job: Job, error: unknown): boolean {
  const moved = [DelayedError, WaitingError, WaitingChildrenError, RateLimitError]
  if (moved.some((kind) => error instanceof kind)) return true
  if (error instanceof UnrecoverableError) return false
  return job.attemptsMade + 1 < (job.opts.attempts ?? 1)
}
