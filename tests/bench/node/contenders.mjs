// Who is measured: each library as its users call it, over the same servers and with the same terms.
import { createRequire } from 'node:module'

import { Redlock as Sesamecare } from '@sesamecare-oss/redlock'
import { Redis } from 'ioredis'
import { Client } from 'quorlock'
import { RedlockMutex } from 'redis-semaphore'
import { createRedlock, IoredisAdapter } from 'redlock-universal'

const Redlock = createRequire(import.meta.url)('redlock')

export const TTL_MS = 10_000
/** How long the peers wait between two tries: short enough not to be what is measured. */
const RETRY_MS = 5
const WAIT_MS = 15_000

const connected = async (ports) => {
  const redis = ports.map((port) => new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 1 }))
  await Promise.all(redis.map((one) => one.ping()))
  return redis
}

async function ours(ports, fencing) {
  const nodes = ports.map((port) => `redis://127.0.0.1:${port}`)
  const client = new Client(nodes, { ttlMs: TTL_MS, waitMs: WAIT_MS, fencing })
  await client.health()
  return {
    async acquire(key) {
      const guard = await client.mutex(key).acquire()
      return () => guard.release()
    },
    async renewed(key, ttlMs, lost) {
      const guard = await client.mutex(key).acquire({ ttlMs })
      guard.signal.addEventListener('abort', lost, { once: true })
      // Kept, as its user would: one that is collected is given back.
      return () => guard.release()
    },
    close: () => client.close(),
  }
}

/**
 * A contender is made for some ports; `acquire(key)` waits for the lock, and resolves with the function
 * that releases it. `renewed(key, ttlMs, lost)` holds it renewed and tells of its loss.
 */
export const contenders = {
  quorlock: (ports) => ours(ports, 'auto'),
  // What the peers do: none of them gives a fencing token.
  'quorlock, no fencing': (ports) => ours(ports, 'off'),

  async redlock(ports) {
    const redis = await connected(ports)
    const redlock = new Redlock(redis, {
      retryCount: WAIT_MS / RETRY_MS,
      retryDelay: RETRY_MS,
      retryJitter: RETRY_MS,
    })
    redlock.on('clientError', () => undefined)
    return {
      async acquire(key) {
        const lock = await redlock.lock(key, TTL_MS)
        return () => lock.unlock()
      },
      async renewed(key, ttlMs, lost) {
        // It has no renewal of its own: its users write this timer.
        let lock = await redlock.lock(key, ttlMs)
        const timer = setInterval(() => {
          lock.extend(ttlMs).then(
            (extended) => (lock = extended),
            () => {
              clearInterval(timer)
              lost()
            },
          )
        }, ttlMs / 3)
        return async () => {
          clearInterval(timer)
          await lock.unlock()
        }
      },
      close: () => Promise.all(redis.map((one) => one.quit())),
    }
  },

  async 'redis-semaphore'(ports) {
    const redis = await connected(ports)
    const options = { acquireTimeout: WAIT_MS, retryInterval: RETRY_MS }
    return {
      async acquire(key) {
        const mutex = new RedlockMutex(redis, key, { ...options, lockTimeout: TTL_MS })
        await mutex.acquire()
        return () => mutex.release()
      },
      async renewed(key, lockTimeout, onLockLost) {
        const terms = { ...options, lockTimeout, refreshInterval: lockTimeout / 3, onLockLost }
        const mutex = new RedlockMutex(redis, key, terms)
        await mutex.acquire()
        return () => mutex.release()
      },
      close: () => Promise.all(redis.map((one) => one.quit())),
    }
  },

  async 'redlock-universal'(ports) {
    const redis = await connected(ports)
    const adapters = redis.map((one) => new IoredisAdapter(one))
    return {
      async acquire(key) {
        const lock = createRedlock({
          adapters,
          key,
          ttl: TTL_MS,
          retryAttempts: WAIT_MS / RETRY_MS,
          retryDelay: RETRY_MS,
        })
        const handle = await lock.acquire()
        return () => lock.release(handle)
      },
      close: () => Promise.all(redis.map((one) => one.quit())),
    }
  },

  async '@sesamecare-oss/redlock'(ports) {
    const redis = await connected(ports)
    const terms = { retryCount: WAIT_MS / RETRY_MS, retryDelay: RETRY_MS, retryJitter: RETRY_MS }
    const redlock = new Sesamecare(redis, terms)
    redlock.on('error', () => undefined)
    return {
      async acquire(key) {
        const lock = await redlock.acquire([key], TTL_MS)
        return () => lock.release()
      },
      close: () => Promise.all(redis.map((one) => one.quit())),
    }
  },
}
