/** What the tests use of redlock 4, which brings no types. */
declare module 'redlock' {
  import type { Redis } from 'ioredis'

  interface Lock {
    unlock(): PromiseLike<void>
  }

  export default class Redlock {
    constructor(clients: readonly Redis[], options: { retryCount: number; retryDelay: number })
    on(event: 'clientError', listener: (error: unknown) => void): this
    lock(resource: string, ttl: number): PromiseLike<Lock>
  }
}
