import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Redis } from 'ioredis'
import { Client, LockTimeoutError } from 'quorlock'
import { startServers, type Server } from 'quorlock-test-servers'
import { RedlockMutex } from 'redis-semaphore'
import Redlock from 'redlock'

import { later } from './nodes.js'

let servers: Server[]
let redis: Redis[]
let client: Client

before(async () => {
  servers = await startServers(3)
  redis = servers.map((server) => new Redis(server.port))
  client = new Client(servers.map((server) => server.url))
})

after(async () => {
  await client.close()
  await Promise.all(redis.map((one) => one.quit()))
  await Promise.all(servers.map((server) => server.stop()))
})

/** Another library's way to take the lock that Quorlock calls `resource`. */
interface Peer {
  /** What stands before the resource's name in the library's keys. */
  readonly prefix: string
  /** The release, or `null` where it cannot be had in 100 ms. */
  tryLock(key: string): Promise<(() => PromiseLike<unknown>) | null>
}

const peers: Record<string, () => Peer> = {
  redlock: () => {
    const redlock = new Redlock(redis, { retryCount: 3, retryDelay: 20 })
    redlock.on('clientError', () => undefined)
    return {
      prefix: '',
      tryLock: async (key) => {
        const lock = await redlock.lock(key, 5_000).then(
          (lock) => lock,
          () => null,
        )
        return lock === null ? null : () => lock.unlock()
      },
    }
  },
  'redis-semaphore': () => ({
    prefix: 'mutex:',
    tryLock: async (key) => {
      const options = { lockTimeout: 5_000, acquireTimeout: 100, retryInterval: 20 }
      const mutex = new RedlockMutex(redis, key, options)
      return (await mutex.tryAcquire()) ? () => mutex.release() : null
    },
  }),
}

for (const [name, make] of Object.entries(peers)) {
  test(`${name} and Quorlock exclude each other, whoever is first`, async () => {
    const { prefix, tryLock } = make()
    const key = `both:${name}`
    const mutex = client.mutex(prefix + key)

    const guard = await mutex.acquire()
    assert.equal(await tryLock(key), null)
    await guard.release()

    const unlock = await tryLock(key)
    assert.ok(unlock)
    assert.equal(await mutex.tryAcquire(), null)
    assert.equal((await client.inspect(prefix + key)).holder, 'foreign')
    await assert.rejects(mutex.acquire({ waitMs: 60 }), LockTimeoutError)
    const waiting = mutex.acquire({ waitMs: 10_000 })
    await later(30)
    await unlock()
    const next = await waiting
    assert.equal(next.isHeld, true)
    assert.equal(await tryLock(key), null)
    await next.release()
  })

  test(`${name} and Quorlock together never count wrong`, async () => {
    const { prefix, tryLock } = make()
    const key = `count:${name}`
    let inside = 0
    let counted = 0
    const section = async (): Promise<void> => {
      assert.equal(++inside, 1, 'two holders at once')
      const seen = counted
      await later(1)
      counted = seen + 1
      inside--
    }
    const ours = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        await client.mutex(prefix + key).using({ waitMs: 30_000 }, section)
      }
    }
    const theirs = async (): Promise<void> => {
      for (let i = 0; i < 10;) {
        const unlock = await tryLock(key)
        if (unlock === null) continue
        await section()
        await unlock()
        i++
      }
    }
    await Promise.all([ours(), theirs(), ours(), theirs()])
    assert.equal(counted, 40)
  })
}
