import type { NativeClient } from '../native/index.js'
import type { Client } from './client.js'
import { Lock } from './lock.js'
import type { AcquireOptions } from './mutex.js'

/**
 * A lock on several resources that are taken and given back together.
 *
 * Each is the very lock that the mutex of its name is, and excludes it. All are asked for in one round
 * and have one guard, one renewal and one fencing token. A caller that waits holds nothing meanwhile, so
 * the order of the names does not matter. No name, more than 64, or one twice is reported by the first
 * call. Making one does no I/O.
 *
 * ```ts
 * await client.multi(['account:1', 'account:2']).using(async (guard) => {
 *   await transfer(guard.resources, guard.fencingToken)
 * })
 * ```
 */
export class Multi extends Lock<AcquireOptions> {
  /** The resources' names as they were given. */
  readonly names: readonly string[]

  /** @internal */
  constructor(native: NativeClient, client: Client, names: readonly string[]) {
    super(native, client, names.join(', '), (to, id, terms, waits) => {
      to.acquireMulti(id, [...names], terms, waits)
    })
    this.names = names
  }
}
