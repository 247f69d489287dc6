import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { after, before, test } from 'node:test'

import { Redis } from 'ioredis'
import { AbortError, Client, QuorlockError, type Guard } from 'quorlock'
import { startServers, type Server } from 'quorlock-test-servers'

import { later, memory } from './nodes.js'

let servers: Server[]

before(async () => {
  servers = await startServers(3)
})

after(async () => {
  await Promise.all(servers.map((server) => server.stop()))
})

/** The error of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => error,
  )
}

test('an aborted call ends with AbortError, and the reason as its cause', async () => {
  const client = new Client(memory())
  const guard = await client.mutex('a').acquire()
  const controller = new AbortController()
  const waiting = failure(client.mutex('a').acquire({ signal: controller.signal }))
  await later(10)
  const reason = new RangeError('the user left')
  controller.abort(reason)
  const error = await waiting
  assert.ok(error instanceof AbortError && error instanceof QuorlockError)
  assert.equal(error.name, 'AbortError')
  assert.equal(error.code, 'ABORT_ERR')
  assert.equal(error.cause, reason)
  assert.equal(error.resource, 'a')
  assert.equal(error.operation, 'acquire')
  assert.equal((await client.inspect('a')).nodes[0]?.waiters, 0, 'no place in the queue is left')
  await guard.release()
})

test('a call whose signal is aborted already sends nothing', async () => {
  const client = new Client(memory())
  const signal = AbortSignal.abort()
  for (const call of [
    client.mutex('a').acquire({ signal }),
    client.mutex('a').tryAcquire({ signal }),
    client.mutex('a').using({ signal }, () => assert.fail('it ran')),
  ]) {
    assert.ok((await failure(call)) instanceof AbortError)
  }
  assert.equal(client.stats().acquired, 0)
})

test('a signal is not listened to for longer than the call', async () => {
  const client = new Client(memory())
  const { signal } = new AbortController()
  for (let i = 0; i < 3; i++) {
    const guard = await client.mutex('a').acquire({ signal })
    await guard.release()
    await failure(client.mutex('').acquire({ signal }))
  }
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('aborts at any moment leave no key behind', async () => {
  const urls = servers.map((server) => server.url)
  const [first, second] = [new Client(urls), new Client(urls)]
  let won = 0
  let gaveUp = 0
  const once = async (index: number): Promise<void> => {
    const client = index % 2 === 0 ? first : second
    const controller = new AbortController()
    // From before the first byte is sent to long after the lock was won.
    const delayMs = Math.random() * 6
    const timer = setTimeout(() => {
      controller.abort()
    }, delayMs)
    const mutex = client.mutex(`cancelled:${index % 5}`)
    const guard = await mutex.acquire({ signal: controller.signal }).catch((error: unknown) => {
      assert.ok(error instanceof AbortError)
      gaveUp++
      return null
    })
    clearTimeout(timer)
    if (guard !== null) {
      won++
      await guard.release()
    }
  }
  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => once(index)))
  }
  assert.ok(won > 0 && gaveUp > 0, `${won} won, ${gaveUp} gave up`)
  await Promise.all([first.close(), second.close()])
  for (const server of servers) {
    const redis = new Redis(server.port)
    const keys = Array.from({ length: 5 }, (_, index) => `cancelled:${index}`)
    assert.equal(await redis.exists(...keys), 0)
    await redis.quit()
  }
})

test('a lock won in the moment of the abort is given back', async () => {
  const client = new Client(memory())
  const controller = new AbortController()
  const call = failure(client.mutex('a').acquire({ signal: controller.signal }))
  // The answer is in the queue of the bridge, and the loop has not fetched it yet.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  controller.abort()
  assert.ok((await call) instanceof AbortError)
  const guard = await client.mutex('a').acquire({ waitMs: 2_000 })
  assert.equal(guard.isHeld, true)
})

test('errors have the stack of the call', async () => {
  const client = new Client(memory())
  const guard = await client.mutex('a').acquire()
  async function caller(): Promise<Guard> {
    // Not awaited here, so that only the call itself can tell who made it.
    const call = client.mutex('a').acquire({ waitMs: 10 })
    return call
  }
  const error = await failure(caller())
  assert.ok(error instanceof QuorlockError)
  const [head, first] = error.stack?.split('\n') ?? []
  assert.equal(head, `LockTimeoutError: ${error.message}`)
  assert.match(first ?? '', /^ {4}at caller .*cancellation\.test/)
  assert.doesNotMatch(error.stack ?? '', /dispatch|bridge/)
  await guard.release()
})
