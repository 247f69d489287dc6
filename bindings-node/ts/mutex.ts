import type { NativeClient, NativeGuard, NativeTerms } from '../native/index.js'
import { call } from './bridge.js'
import type { Client } from './client.js'
import { callSite, type CallSite } from './errors.js'
import { guardOf, type Guard } from './guard.js'
import * as input from './input.js'

/** What one call may set apart from the client's own options. */
export interface AcquireOptions {
  /** How long the lease lives without renewal, in milliseconds: 10 ms to 24 h. */
  readonly ttlMs?: number | undefined
  /** How long to wait for the lock at most, in milliseconds; 0 means one try. */
  readonly waitMs?: number | undefined
  /** Whether the lease is renewed in the background until it is released. */
  readonly renew?: boolean | undefined
  /** How long the lease may be held in all, in milliseconds; there it ends and is lost. */
  readonly holdMsMax?: number | undefined
  /** Gives up waiting when aborted: nothing is left behind. */
  readonly signal?: AbortSignal | undefined
}

const ACQUIRE_OPTIONS: ReadonlySet<string> = new Set([
  'ttlMs',
  'waitMs',
  'renew',
  'holdMsMax',
  'signal',
])

/** What the engine is told, and the signal that stays on this side. */
export interface Call {
  readonly terms: NativeTerms | undefined
  readonly signal: AbortSignal | undefined
}

/** `options` with every type checked. */
export function callOf(options: AcquireOptions | undefined, site: CallSite): Call {
  if (options === undefined) return { terms: undefined, signal: undefined }
  const given = input.options('acquire', options, ACQUIRE_OPTIONS, site)
  const terms = {
    ttlMs: input.optionalNumber('acquire.ttl_ms', given.ttlMs, site),
    waitMs: input.optionalNumber('acquire.wait_ms', given.waitMs, site),
    renew: input.optionalBoolean('acquire.renew', given.renew, site),
    holdMsMax: input.optionalNumber('acquire.hold_ms_max', given.holdMsMax, site),
  }
  return { terms, signal: input.optionalSignal('acquire.signal', given.signal, site) }
}

/** Work done under a lock. */
export type Work<T> = (guard: Guard, signal: AbortSignal) => T | PromiseLike<T>

let make: (native: NativeClient, client: Client, name: string) => Mutex

/**
 * A lock that one holder has at a time, over all processes that use the same nodes and key.
 *
 * Making one does no I/O and keeps nothing: make it where you need it, or keep it.
 */
export class Mutex {
  /** The resource's name. */
  readonly name: string
  readonly #native: NativeClient
  readonly #client: Client

  private constructor(native: NativeClient, client: Client, name: string) {
    this.#native = native
    this.#client = client
    this.name = name
  }

  static {
    make = (native, client, name) => new Mutex(native, client, name)
  }

  /**
   * Takes the lock, waiting for it: first in, first out over all processes.
   *
   * @throws {LockTimeoutError} where somebody else has it for all the wait
   * @throws {LockContendedError} where somebody else has it and `waitMs` is 0
   * @throws {QuorumUnavailableError} where too few nodes answered
   * @throws {AbortError} where `signal` is aborted first
   * @throws {InvalidArgumentError | ConfigError | ClientClosedError}
   */
  async acquire(options?: AcquireOptions): Promise<Guard> {
    const site = callSite(Mutex.prototype.acquire)
    const guard = await this.#acquire('acquire', options, site)
    return guardOf(guard, this.#client, this.name)
  }

  /**
   * Takes the lock if it can be had at once; `null` where somebody else has it.
   *
   * @throws as {@link Mutex.acquire}, without LockTimeoutError and LockContendedError
   */
  async tryAcquire(options?: AcquireOptions): Promise<Guard | null> {
    const site = callSite(Mutex.prototype.tryAcquire)
    const { terms, signal } = callOf(options, site)
    const guard = await call<NativeGuard | undefined>(
      site,
      (id) => {
        this.#native.tryAcquire(id, this.name, terms)
      },
      { signal, operation: 'try_acquire', resource: this.name },
    )
    return guard === undefined ? null : guardOf(guard, this.#client, this.name)
  }

  /**
   * Runs `work` under the lock and releases it whatever comes of it. What `work` returns or throws
   * is passed on as it is. `work` gets the guard and a signal that is aborted if the lock is lost.
   *
   * ```ts
   * const sum = await client.mutex('sum').using(async (guard, signal) => {
   *   const response = await fetch(url, { signal })
   *   guard.check()
   *   return response.status
   * })
   * ```
   *
   * @throws {LeaseLostError} where the lock was lost before `work` returned
   * @throws as {@link Mutex.acquire}
   */
  using<T>(work: Work<T>): Promise<T>
  using<T>(options: AcquireOptions | undefined, work: Work<T>): Promise<T>
  async using<T>(first: AcquireOptions | Work<T> | undefined, second?: Work<T>): Promise<T> {
    const site = callSite(Mutex.prototype.using)
    const [options, given] = typeof first === 'function' ? [undefined, first] : [first, second]
    const work = input.callable('using.work', given, site)
    const native = await this.#acquire('using', options, site)
    const guard = guardOf(native, this.#client, this.name)
    return hold(guard, () => work(guard, guard.signal))
  }

  #acquire(
    operation: string,
    options: AcquireOptions | undefined,
    site: CallSite,
  ): Promise<NativeGuard> {
    const { terms, signal } = callOf(options, site)
    return call(
      site,
      (id) => {
        this.#native.acquire(id, this.name, terms)
      },
      { signal, operation, resource: this.name },
    )
  }
}

/**
 * Runs `work` while `guard` is held and releases it whatever comes of it; rejects with LeaseLostError
 * where it was lost before `work` returned.
 */
export async function hold<T>(guard: Guard, work: () => T | PromiseLike<T>): Promise<T> {
  try {
    const value = await work()
    // Whoever released or handed it over in `work` knows that it is not held any more.
    if (!guard.isHeld && guard.loss !== null) guard.check()
    return value
  } finally {
    await guard[Symbol.asyncDispose]()
  }
}

/** The mutex `name` of `client`. */
export function mutexOf(native: NativeClient, client: Client, name: string): Mutex {
  return make(native, client, name)
}
