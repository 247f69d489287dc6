import { AsyncLocalStorage } from 'node:async_hooks'

import type { Client } from '../client.js'
import { NotHeldError } from '../errors.js'
import type { Guard } from '../guard.js'

/** The guards of the calls that led here, the innermost last. */
const held = new AsyncLocalStorage<readonly Guard[]>()

/**
 * The guard of the innermost `@Locked()` method or locked job that led here, also in what it calls:
 * its fencing token for every write, its signal for whatever can be aborted.
 *
 * @throws {NotHeldError} outside of one
 */
export function currentGuard(): Guard {
  const guard = held.getStore()?.at(-1)
  if (guard === undefined) {
    throw new NotHeldError(
      'no lock is held here: call it from a @Locked() method or a locked job',
      {
        code: 'QUORLOCK_NOT_HELD',
        operation: 'current_guard',
      },
    )
  }
  return guard
}

/** Runs `work` with `guard` as its current one. */
export function withGuard<T>(guard: Guard, work: () => T): T {
  return held.run([...(held.getStore() ?? []), guard], work)
}

/** True where a call that led here holds `resource` already, so that waiting for it never ends. */
export function isHeldHere(client: Client, resource: string): boolean {
  const guards = held.getStore() ?? []
  return guards.some((guard) => {
    return guard.client === client && guard.resource === resource && guard.isHeld
  })
}
