import { inspect } from 'node:util'

import { NativeGuard, type TicketReport } from '../native/index.js'
import { bridge, call, listen } from './bridge.js'
import type { Client } from './client.js'
import { callSite, errorOf, type CallSite, type QuorlockError } from './errors.js'
import * as input from './input.js'
import type { LossReason, Released } from './reports.js'
import { Ticket, ticketOf } from './ticket.js'

/** Options of {@link Guard.detach}. */
export interface DetachOptions {
  /**
   * How long the job may stay in its queue: the ticket is good for so long from now. 10 ms to 24 h;
   * the lease's own ttl by default, and where that is longer.
   */
  readonly ttlMs?: number | undefined
}

const DETACH_OPTIONS: ReadonlySet<string> = new Set(['ttlMs'])

/** The guard of each signal. */
const guards = new WeakMap<AbortSignal, Guard>()

let make: (native: NativeGuard, client: Client, resource: string) => Guard

/**
 * A held lock, the only thing here that has state.
 *
 * The engine renews it in the background, also while the event loop is blocked, until it is
 * released, handed over, lost, or the cap on its hold time is reached. A guard that is collected as
 * garbage is released in the background; do not rely on when.
 */
export class Guard {
  /** The resource this lock is for. */
  readonly resource: string
  readonly #native: NativeGuard
  /** Keeps the client, and with it the listener of its events, as long as a lock is held. */
  readonly #client: Client
  #controller: AbortController | undefined

  private constructor(native: NativeGuard, client: Client, resource: string) {
    this.#native = native
    this.#client = client
    this.resource = resource
  }

  static {
    make = (native, client, resource) => new Guard(native, client, resource)
  }

  /** The client this lock was acquired with. */
  get client(): Client {
    return this.#client
  }

  /**
   * True where the lock may be used at this moment. Local and synchronous; it tells the truth also
   * right after the event loop was blocked, whether or not the loss was signalled yet.
   */
  get isHeld(): boolean {
    return this.#native.isHeld()
  }

  /** How long the lock may still be used unless it is renewed, in milliseconds; 0 once it may not. */
  get remainingMs(): number {
    return this.#native.remainingMs()
  }

  /**
   * The fencing token: hand it to every store you write to. It grows with each holder and stays
   * below 2^53. `null` where fencing is off or a majority of the nodes cannot count.
   */
  get fencingToken(): number | null {
    return this.#native.fencingToken()
  }

  /** True where this lock came by a ticket, without a gap since the publisher acquired it. */
  get isAdopted(): boolean {
    return this.#native.isAdopted()
  }

  /** True where this lock is of a job that is done once: releasing it says that it is done. */
  get isOnce(): boolean {
    return this.#native.isOnce()
  }

  /** The resources this lock is for: one, or those of a multi-resource lock. */
  get resources(): readonly string[] {
    return this.#native.resources()
  }

  /** The slots of a semaphore that are held, each below its limit; empty for any other lock. */
  get slots(): readonly number[] {
    return this.#native.slots()
  }

  /** Why the lock was lost; `null` where it was not. */
  get loss(): LossReason | null {
    return this.#native.loss() as LossReason | null
  }

  /**
   * Aborted once when the lock is lost, with a {@link LeaseLostError} as its reason; never where it
   * is released or handed over first. Hand it to whatever does the work.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController()
      this.#controller = controller
      if (this.loss !== null) {
        controller.abort(this.#error({}))
      } else {
        // Whoever keeps the signal keeps the lock; whoever drops both gives it back.
        guards.set(controller.signal, this)
        this.#native.watch(bridge, listen(this))
      }
    }
    return this.#controller.signal
  }

  /**
   * Throws where the lock may not be used now. Put it before each step that needs the lock.
   *
   * @throws {LeaseLostError} where it was lost
   * @throws {NotHeldError} where it was released or handed over
   */
  check(): void {
    if (this.isHeld) return
    const error = this.#error(callSite(Guard.prototype.check))
    if (error !== undefined) throw error
  }

  /**
   * One more guard of the same lock, for the same owner: a part of the work that locks for itself gets
   * it from whoever has the lock already. Local.
   *
   * Each guard is released by itself; the lock is given back with the last one, whose release says
   * whether the work is done. An inner release is `still_held`. A loss reaches all.
   *
   * @throws {LeaseLostError} where it was lost
   * @throws {NotHeldError} where this guard was released or the lock handed over
   */
  reenter(): Guard {
    const made = this.#native.reenter()
    if (!(made instanceof NativeGuard)) throw errorOf(made, callSite(Guard.prototype.reenter))
    return new Guard(made, this.#client, this.resource)
  }

  /**
   * Renews the lock now, beside the background renewal.
   *
   * @throws {LeaseLostError} where it is lost
   * @throws {NotHeldError} where it was released or handed over
   * @throws {QuorumUnavailableError} where too few nodes confirmed in time; the old validity stands
   */
  extend(): Promise<void> {
    return call(callSite(Guard.prototype.extend), (id) => {
      this.#native.extend(bridge, id)
    })
  }

  /**
   * Gives the lock back on every node, in one round, within one node timeout. It may be called
   * again, and tells the same each time.
   *
   * @throws {NotHeldError} where the lock was handed over. That the lease had expired, or that too
   * few nodes answered, is a result and not an error.
   */
  release(): Promise<Released> {
    return call(callSite(Guard.prototype.release), (id) => {
      this.#native.release(bridge, id)
    })
  }

  /**
   * Gives the lock back, and makes sure that it counts, as a job that is done once wants to know.
   *
   * @throws {LeaseLostError} where the lease was gone before
   * @throws {QuorumUnavailableError} where too few nodes confirmed in time; they are told further
   * @throws {NotHeldError} where the lock was handed over
   */
  complete(): Promise<void> {
    return call(callSite(Guard.prototype.complete), (id) => {
      this.#native.complete(bridge, id)
    })
  }

  /**
   * Gives the lock back in the background, without saying that the work is done: a ticket that the
   * lock came by is not used up, so that a redelivery of the job may go on. For work that failed.
   * Does nothing once the lock is released or handed over.
   */
  abandon(): void {
    this.#native.abandon()
  }

  /**
   * Hands the lock over: the guard ends here, and whoever adopts the ticket goes on with it. Nothing
   * renews the lock until it is adopted.
   *
   * @throws {LeaseLostError} where it is lost
   * @throws {NotHeldError} where it was released or handed over
   * @throws {QuorumUnavailableError} where too few nodes confirmed; the guard still holds the lock
   * @throws {InvalidArgumentError} where `ttlMs` is out of bounds
   */
  async detach(options?: DetachOptions): Promise<Ticket> {
    const site = callSite(Guard.prototype.detach)
    const { ttlMs } = input.options('detach', options, DETACH_OPTIONS, site)
    const ttl = input.optionalNumber('detach.ttl_ms', ttlMs, site)
    const report = await call<TicketReport>(site, (id) => {
      this.#native.detach(bridge, id, ttl)
    })
    return ticketOf(report)
  }

  /**
   * Releases the lock at the end of an `await using` block, unless it was handed over. A block may end by
   * an exception, so a job that is done once is done only where it was released before.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isOnce) {
      this.abandon()
      return
    }
    await this.release().catch(() => undefined)
  }

  /** @internal */
  hear(): void {
    this.#controller?.abort(this.#error({}))
  }

  [inspect.custom](): string {
    const { resource, isHeld, remainingMs, fencingToken } = this
    return `Guard ${inspect({ resource, isHeld, remainingMs, fencingToken })}`
  }

  /** Why the lock may not be used now, as an error with the stack of `site`. */
  #error(site: CallSite): QuorlockError | undefined {
    const failure = this.#native.check()
    return failure === null ? undefined : errorOf(failure, site, { loss: this.loss })
  }
}

/** The guard of a lock that the engine won. */
export function guardOf(native: NativeGuard, client: Client, resource: string): Guard {
  return make(native, client, resource)
}
