import type { NativeElection, NativeGuard } from '../native/index.js'
import { bridge, call } from './bridge.js'
import type { Client } from './client.js'
import { callSite, errorOf, type QuorlockError } from './errors.js'
import { guardOf, type Guard } from './guard.js'
import * as input from './input.js'
import type { Released } from './reports.js'

/** Options of {@link Client.elect}. */
export interface ElectOptions {
  /** How long a leader's lease lives without renewal, which is always done. */
  readonly ttlMs?: number | undefined
  /** How long a tenure may last, where leaders are to take turns. */
  readonly holdMsMax?: number | undefined
}

/** Options of {@link Election.won}. */
export interface WonOptions {
  /** How long to wait at most, in milliseconds; for as long as it takes unless given. */
  readonly limitMs?: number | undefined
  /** Gives up waiting when aborted; the candidate goes on. */
  readonly signal?: AbortSignal | undefined
}

const WON_OPTIONS: ReadonlySet<string> = new Set(['limitMs', 'signal'])

/**
 * A candidate for the leadership of one name, from {@link Client.elect}.
 *
 * It campaigns in the background, holds the mutex of that name for as long as this object lives, and
 * campaigns again where it was lost. {@link Election.resign}, the end of an `await using` block and closing
 * the client hand over at once; so does being collected as garbage, but do not rely on when. No limit of
 * ordinary locks ends a tenure; `holdMsMax` does, where leaders are to take turns. It does not keep the
 * process alive.
 *
 * ```ts
 * const election = client.elect('scheduler')
 * const tenure = await election.won()
 * while (tenure.isHeld) await schedule(tenure.fencingToken)
 * await election.resign()
 * ```
 */
export class Election {
  /** The name that is led. */
  readonly name: string
  readonly #native: NativeElection
  readonly #client: Client

  /** @internal */
  constructor(native: NativeElection, client: Client, name: string) {
    this.#native = native
    this.#client = client
    this.name = name
  }

  /** True where this candidate leads at this moment. Local; true also right after a pause. */
  get isLeader(): boolean {
    return this.#native.isLeader()
  }

  /**
   * The present tenure's fencing token, larger than every earlier one's; `null` where this candidate
   * does not lead, or tokens are not to be had. Local.
   */
  get fencingToken(): number | null {
    return this.#native.fencingToken()
  }

  /** Why it could not be elected lately, if so: servers out of reach, say. It goes on. Local. */
  get trouble(): QuorlockError | null {
    const failure = this.#native.trouble()
    return failure === null ? null : errorOf(failure, {})
  }

  /**
   * Waits until this candidate leads, and gives a guard of the tenure. The guard hears of the tenure's
   * end and has its fencing token; releasing it does not end the tenure, and it cannot be handed over.
   *
   * @throws {LockTimeoutError} where it was not elected within `limitMs`
   * @throws {NotHeldError} where it was resigned
   * @throws {AbortError | InvalidArgumentError | ClientClosedError}
   */
  async won(options?: WonOptions): Promise<Guard> {
    const site = callSite(Election.prototype.won)
    const given = input.options('won', options, WON_OPTIONS, site)
    const limit = input.optionalNumber('won.limit_ms', given.limitMs, site)
    const signal = input.optionalSignal('won.signal', given.signal, site)
    const guard = await call<NativeGuard>(
      site,
      (id) => {
        this.#native.won(bridge, id, limit)
      },
      { signal, operation: 'won', resource: this.name },
    )
    return guardOf(guard, this.#client, this.name)
  }

  /**
   * Who leads, as `host/pid/language/text`; `null` where nobody does.
   *
   * @throws {QuorumUnavailableError | ClientClosedError}
   */
  leader(): Promise<string | null> {
    return call(callSite(Election.prototype.leader), (id) => {
      this.#native.leader(bridge, id)
    })
  }

  /**
   * Stops being a candidate, and hands over at once where this one leads; the tenure's guards are lost
   * as `resigned`. Where there was nothing to give back the result is `already_expired`.
   */
  resign(): Promise<Released> {
    return call(callSite(Election.prototype.resign), (id) => {
      this.#native.resign(bridge, id)
    })
  }

  /** Resigns at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign()
  }
}
