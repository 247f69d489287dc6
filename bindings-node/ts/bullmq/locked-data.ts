import { InvalidArgumentError } from '../errors.js'

/** What a locked job carries beside its own data. */
export interface JobLock {
  /** The resource that the job locks. */
  readonly resource: string
  /**
   * The ticket of the held lock, a secret. `null` once the lock was given back without the work
   * being done: whoever takes the job then has to lock afresh.
   */
  readonly ticket: string | null
}

/** A job's data with its lock. */
export type Locked<T> = T & { readonly quorlock: JobLock }

/** The lock in `data`. */
export function lockOf(data: unknown): JobLock {
  const lock = (data as Partial<Locked<object>> | null | undefined)?.quorlock
  if (typeof lock?.resource === 'string') return lock
  const field = 'job.data.quorlock'
  throw new InvalidArgumentError(`${field}: is missing: publish the job with addLocked()`, {
    code: 'QUORLOCK_INVALID_ARGUMENT',
    field,
  })
}

/** `data` with another ticket. */
export function withTicket<T>(data: Locked<T>, ticket: string | null): Locked<T> {
  return { ...data, quorlock: { resource: data.quorlock.resource, ticket } }
}
