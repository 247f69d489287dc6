import 'reflect-metadata'

import { Client } from '../client.js'
import { callSite, ConfigError, invalid, type CallSite } from '../errors.js'
import { string } from '../input.js'
import { hold, type AcquireOptions } from '../mutex.js'
import { isHeldHere, withGuard } from './current-guard.js'
import { run } from './running.js'
import { InjectQuorlock } from './tokens.js'

/** A resource's name, made of a method's arguments. */
export type LockKey<Args extends readonly unknown[]> = string | ((...args: Args) => string)

/** Options of {@link Locked}. */
export interface LockedOptions<Args extends readonly unknown[]> extends Omit<
  AcquireOptions,
  'signal'
> {
  /**
   * The resource: a function of the arguments, or text in which `{0}` is the first argument and
   * `{1.order.id}` a property of the second.
   */
  readonly key: LockKey<Args>
  /** Which client: the one without a name by default. */
  readonly client?: string | undefined
  /**
   * What to do where somebody else has the lock: wait for it, or do not run the method at all and
   * resolve with `undefined`, as for a job that another instance is at. `wait` by default.
   */
  readonly whenHeld?: 'wait' | 'skip' | undefined
}

/** A method that can be locked: one that returns a promise. */
// The arguments and the result of a decorated method are its own business.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Method<Args extends readonly any[]> = (...args: Args) => Promise<any>

/** What decorates a {@link Method}. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type MethodOnly<Args extends readonly any[]> = <M extends Method<Args>>(
  target: object,
  property: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void

/**
 * Runs the method under a lock of a client that Nest injects, and gives the lock back whatever comes
 * of it. What the method returns or throws is passed on as it is; where the lock was lost before the
 * method ended, the call rejects with LeaseLostError. {@link currentGuard} gives the guard.
 *
 * ```ts
 * @Locked({ key: (order: Order) => `payment:${order.id}`, ttlMs: 20_000 })
 * async charge(order: Order): Promise<Receipt> {
 *   const { fencingToken, signal } = currentGuard()
 *   …
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function Locked<Args extends readonly any[]>(
  options: LockedOptions<Args> | string,
): MethodOnly<Args> {
  const given: LockedOptions<Args> = typeof options === 'string' ? { key: options } : options
  const { key, client, whenHeld, ...acquire } = given
  const injected = Symbol.for(`quorlock.client:${client ?? ''}`)

  return (target, property, descriptor) => {
    const method: Method<Args> | undefined = descriptor.value
    if (method === undefined) return
    InjectQuorlock(client)(target, injected)

    const locked = async function (
      this: Record<symbol, unknown>,
      ...args: [...Args]
    ): Promise<unknown> {
      const site = callSite(locked)
      const owner = this[injected]
      if (!(owner instanceof Client)) throw notInjected(target, property, client)
      const resource = resourceOf(key, args, site)
      if (isHeldHere(owner, resource)) {
        throw invalid('locked.key', 'is held by this very call: it would wait for itself', site)
      }
      const mutex = owner.mutex(resource)
      const guard = await (whenHeld === 'skip' ? mutex.tryAcquire(acquire) : mutex.acquire(acquire))
      if (guard === null) return undefined
      const call = (): Promise<unknown> => method.apply(this, args)
      return run(
        owner,
        hold(guard, () => withGuard(guard, call)),
      )
    }
    keepFace(method, locked)
    descriptor.value = locked as unknown as NonNullable<typeof descriptor.value>
  }
}

/** Gives `wrapper` the name, the length and the metadata (routes, schedules …) of `method`. */
function keepFace(method: object, wrapper: object): void {
  for (const property of ['name', 'length']) {
    const value: unknown = Reflect.get(method, property)
    Object.defineProperty(wrapper, property, { value, configurable: true })
  }
  for (const key of Reflect.getMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), wrapper)
  }
}

function resourceOf<Args extends readonly unknown[]>(
  key: LockKey<Args>,
  args: Args,
  site: CallSite,
): string {
  if (typeof key === 'function') return string('locked.key', key(...args), site)
  return key.replace(/\{(\d+)((?:\.\w+)*)\}/g, (placeholder, index: string, path: string) => {
    let value: unknown = args[Number(index)]
    for (const property of path.split('.').slice(1)) {
      value = (value as Record<string, unknown> | null | undefined)?.[property]
    }
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
      return String(value)
    }
    // "undefined" in a name would be one lock for everybody.
    throw invalid('locked.key', `${placeholder} is neither text nor a number`, site)
  })
}

function notInjected(
  target: object,
  property: string | symbol,
  client: string | undefined,
): ConfigError {
  const which = client === undefined ? 'a client' : `the client ${JSON.stringify(client)}`
  const message =
    `${target.constructor.name}.${String(property)} is @Locked(), but Nest did not inject ${which}: ` +
    'make the class a provider or controller of a module, and import QuorlockModule.forRoot()'
  return new ConfigError(message, { code: 'QUORLOCK_INVALID_CONFIG', field: 'locked.client' })
}
