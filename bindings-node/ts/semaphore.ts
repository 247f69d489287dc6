import type { NativeClient } from '../native/index.js'
import type { Client } from './client.js'
import type { CallSite } from './errors.js'
import * as input from './input.js'
import { Lock } from './lock.js'
import { callOf, type AcquireOptions, type Call } from './mutex.js'

/** What one call may set apart from the client's own options. */
export interface PermitOptions extends AcquireOptions {
  /** How many permits to take, all or none: 1 to the semaphore's limit, 1 by default. */
  readonly permits?: number | undefined
}

/**
 * A lock that so many permits may be taken of at a time, over all processes.
 *
 * It consists of numbered slots, each a lock of its own on a majority of the nodes, so that there are
 * never more holders than slots; a permit is a slot. First in, first out; one that wants more than is
 * free may be passed by smaller ones sixteen times. Clients with different limits together have at most
 * the largest, and each at most its own. A limit out of bounds (1 to 1000) is reported by the first call.
 * Making one does no I/O.
 *
 * ```ts
 * await client.semaphore('printers', 3).using({ permits: 2 }, async (guard) => {
 *   await print(guard.slots)
 * })
 * ```
 */
export class Semaphore extends Lock<PermitOptions> {
  /** The semaphore's name. */
  readonly name: string
  /** How many permits there are in all. */
  readonly permits: number

  /** @internal */
  constructor(native: NativeClient, client: Client, name: string, permits: number) {
    super(native, client, name, (to, id, terms, waits) => {
      to.acquirePermits(id, name, permits, terms, waits)
    })
    this.name = name
    this.permits = permits
  }

  /** @internal */
  override read(options: PermitOptions | undefined, site: CallSite): Call {
    if (options === undefined || typeof options !== 'object' || !('permits' in options)) {
      return callOf(options, site)
    }
    const { permits, ...rest } = options
    const { terms, signal } = callOf(rest, site)
    return { terms: { ...terms, permits: input.optionalNumber('permits', permits, site) }, signal }
  }
}
