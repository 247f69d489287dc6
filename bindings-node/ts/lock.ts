import type { NativeClient, NativeGuard, NativeTerms } from '../native/index.js'
import { call } from './bridge.js'
import type { Client } from './client.js'
import { callSite, type CallSite } from './errors.js'
import { guardOf, type Guard } from './guard.js'
import * as input from './input.js'
import { callOf, hold, type AcquireOptions, type Call, type Work } from './mutex.js'

/** Begins to take a lock under the number `id`; without waiting, where it is told so. */
export type Take = (
  native: NativeClient,
  id: number,
  terms: NativeTerms | undefined,
  waits: boolean,
) => void

/** What is common to locks of more than one resource or holder. */
export abstract class Lock<Options extends AcquireOptions> {
  readonly #native: NativeClient
  readonly #client: Client
  readonly #take: Take
  readonly #resource: string

  /** @internal */
  constructor(native: NativeClient, client: Client, resource: string, take: Take) {
    this.#native = native
    this.#client = client
    this.#resource = resource
    this.#take = take
  }

  /**
   * Takes the lock, waiting for it; as {@link Mutex.acquire}.
   *
   * @throws {LockTimeoutError} where it cannot be had for all the wait
   * @throws {LockContendedError} where it cannot be had and `waitMs` is 0
   * @throws {QuorumUnavailableError} where too few nodes answered
   * @throws {AbortError} where `signal` is aborted first
   * @throws {InvalidArgumentError | ConfigError | ClientClosedError}
   */
  async acquire(options?: Options): Promise<Guard> {
    const site = callSite(Lock.prototype.acquire)
    return this.#acquire('acquire', options, site)
  }

  /**
   * Takes the lock if it can be had at once; `null` where it cannot.
   *
   * @throws as {@link Lock.acquire}, without LockTimeoutError and LockContendedError
   */
  async tryAcquire(options?: Options): Promise<Guard | null> {
    const site = callSite(Lock.prototype.tryAcquire)
    const guard = await this.#begin<NativeGuard | undefined>(
      'try_acquire',
      this.read(options, site),
      site,
      false,
    )
    return guard === undefined ? null : guardOf(guard, this.#client, this.#resource)
  }

  /**
   * Runs `work` under the lock and releases it whatever comes of it, as {@link Mutex.using}.
   *
   * @throws {LeaseLostError} where the lock was lost before `work` returned
   * @throws as {@link Lock.acquire}
   */
  using<T>(work: Work<T>): Promise<T>
  using<T>(options: Options | undefined, work: Work<T>): Promise<T>
  async using<T>(first: Options | Work<T> | undefined, second?: Work<T>): Promise<T> {
    const site = callSite(Lock.prototype.using)
    const [options, given] = typeof first === 'function' ? [undefined, first] : [first, second]
    const work = input.callable('using.work', given, site)
    const guard = await this.#acquire('using', options, site)
    return hold(guard, () => work(guard, guard.signal))
  }

  /** @internal */
  read(options: Options | undefined, site: CallSite): Call {
    return callOf(options, site)
  }

  async #acquire(operation: string, options: Options | undefined, site: CallSite): Promise<Guard> {
    const call = this.read(options, site)
    const guard = await this.#begin<NativeGuard>(operation, call, site, true)
    return guardOf(guard, this.#client, this.#resource)
  }

  #begin<T extends NativeGuard | undefined>(
    operation: string,
    { terms, signal }: Call,
    site: CallSite,
    waits: boolean,
  ): Promise<T> {
    return call(
      site,
      (id) => {
        this.#take(this.#native, id, terms, waits)
      },
      { signal, operation, resource: this.#resource },
    )
  }
}
