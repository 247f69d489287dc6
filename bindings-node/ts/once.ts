import type { NativeClient, NativeGuard } from '../native/index.js'
import { call } from './bridge.js'
import type { Client } from './client.js'
import { callSite, type CallSite } from './errors.js'
import { guardOf, type Guard } from './guard.js'
import * as input from './input.js'
import { callOf, type AcquireOptions, type Work } from './mutex.js'

/**
 * A job that is to be done once, whoever comes to do it: within the retention no other process that
 * uses the same nodes and name begins it again.
 *
 * It is done under the mutex of its name. Releasing the guard says that it is done; abandoning it,
 * losing it and dying do not, and the next one who comes begins it anew. The nodes remember for the
 * retention, counted from the release; a majority decides. Making one does no I/O.
 *
 * ```ts
 * const report = client.once('report:2026-11-24', 24 * 60 * 60 * 1000)
 * const guard = await report.begin()
 * if (guard !== null) {
 *   await write(guard.fencingToken)
 *   await guard.release() // done; guard.abandon() where it failed
 * }
 * ```
 */
export class Once {
  /** The job's name. */
  readonly name: string
  /** How long the nodes remember that it is done, in milliseconds. */
  readonly retentionMs: number
  readonly #native: NativeClient
  readonly #client: Client

  /** @internal */
  constructor(native: NativeClient, client: Client, name: string, retentionMs: number) {
    this.#native = native
    this.#client = client
    this.name = name
    this.retentionMs = retentionMs
  }

  /**
   * A guard where the job is to be done here, `null` where it is done already. Somebody else who is at
   * it is waited for.
   *
   * @throws {LockTimeoutError} where somebody else is at it for all the wait
   * @throws {LockContendedError} where somebody else is at it and `waitMs` is 0
   * @throws {QuorumUnavailableError} where too few nodes answered
   * @throws {AbortError} where `signal` is aborted first
   * @throws {InvalidArgumentError | ConfigError | ClientClosedError}
   */
  async begin(options?: AcquireOptions): Promise<Guard | null> {
    return this.#begin(options, callSite(Once.prototype.begin))
  }

  /**
   * Runs `work` unless the job is done already. What `work` returns says that it is done; where it
   * throws, the job is left to somebody else. True where it ran here, false where it was done.
   *
   * @throws {LeaseLostError} where the lock was lost before the nodes were told
   * @throws {QuorumUnavailableError} also where too few nodes could be told: it may be done again
   * @throws as {@link Once.begin}
   */
  run(work: Work<unknown>): Promise<boolean>
  run(options: AcquireOptions | undefined, work: Work<unknown>): Promise<boolean>
  async run(
    first: AcquireOptions | Work<unknown> | undefined,
    second?: Work<unknown>,
  ): Promise<boolean> {
    const site = callSite(Once.prototype.run)
    const [options, given] = typeof first === 'function' ? [undefined, first] : [first, second]
    const work = input.callable('run.work', given, site)
    const guard = await this.#begin(options, site)
    if (guard === null) return false
    try {
      await work(guard, guard.signal)
      await guard.complete()
      return true
    } finally {
      guard.abandon()
    }
  }

  /**
   * True where the job is done. It may be begun by somebody right after the answer.
   *
   * @throws {QuorumUnavailableError | InvalidArgumentError | ClientClosedError}
   */
  async isDone(): Promise<boolean> {
    return call(callSite(Once.prototype.isDone), (id) => {
      this.#native.isDone(id, this.name, this.retentionMs)
    })
  }

  async #begin(options: AcquireOptions | undefined, site: CallSite): Promise<Guard | null> {
    const { terms, signal } = callOf(options, site)
    const guard = await call<NativeGuard | undefined>(
      site,
      (id) => {
        this.#native.beginOnce(id, this.name, this.retentionMs, terms)
      },
      { signal, operation: 'begin', resource: this.name },
    )
    return guard === undefined ? null : guardOf(guard, this.#client, this.name)
  }
}
