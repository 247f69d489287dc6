import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  Client,
  LeaseLostError,
  LockContendedError,
  LockTimeoutError,
  NotHeldError,
} from 'quorlock'

import { later, memory } from './nodes.js'

test('a lock is held by one at a time', async () => {
  const nodes = memory()
  const [first, second] = [new Client(nodes), new Client(nodes)]
  const guard = await first.mutex('a').acquire({ ttlMs: 5_000 })
  assert.equal(guard.resource, 'a')
  assert.equal(guard.isHeld, true)
  assert.equal(guard.isAdopted, false)
  assert.ok(guard.remainingMs > 4_000 && guard.remainingMs <= 5_000)
  assert.ok(Number.isSafeInteger(guard.fencingToken))
  assert.equal(await second.mutex('a').tryAcquire(), null)
  await assert.rejects(second.mutex('a').acquire({ waitMs: 0 }), LockContendedError)
  await assert.rejects(second.mutex('a').acquire({ waitMs: 30 }), LockTimeoutError)
  assert.deepEqual(await guard.release(), { result: 'released', nodes: [] })
  assert.equal(guard.isHeld, false)
  assert.equal(guard.remainingMs, 0)
  const next = await second.mutex('a').tryAcquire()
  assert.ok(next !== null && (next.fencingToken ?? 0) > (guard.fencingToken ?? 0))
  await next.release()
})

test('a waiter is woken by the release', async () => {
  const client = new Client(memory())
  const guard = await client.mutex('a').acquire()
  const waiting = client.mutex('a').acquire({ waitMs: 10_000 })
  await later(20)
  await guard.release()
  const next = await waiting
  assert.equal(next.isHeld, true)
  await next.release()
})

test('using passes on what the work returns and throws, and releases', async () => {
  const client = new Client(memory())
  const mutex = client.mutex('a')
  assert.equal(await mutex.using((guard) => Promise.resolve(guard.resource.length)), 1)
  assert.equal(await mutex.using({ ttlMs: 1_000 }, (_, signal) => signal.aborted), false)
  const thrown = new RangeError('mine')
  await assert.rejects(
    mutex.using(() => {
      throw thrown
    }),
    (error) => error === thrown,
  )
  await assert.rejects(
    mutex.using(() => Promise.reject(thrown)),
    (error) => error === thrown,
  )
  const free = await mutex.tryAcquire()
  assert.ok(free)
  await free.release()
})

test('using rejects where the lock was lost, and tells the work at once', async () => {
  const client = new Client(memory())
  let reason: unknown
  const options = { ttlMs: 60, renew: false }
  const lost = client.mutex('a').using(options, async (guard, signal) => {
    // A held lock does not keep the process alive, the work does.
    while (!signal.aborted) await later(5)
    reason = signal.reason
    assert.equal(guard.isHeld, false)
    return 'too late'
  })
  await assert.rejects(lost, (error) => {
    assert.ok(error instanceof LeaseLostError)
    assert.equal(error.loss, 'expired')
    return true
  })
  assert.ok(reason instanceof LeaseLostError)
})

test('a lock can be handed over once', async () => {
  const nodes = memory()
  const [publisher, consumer] = [new Client(nodes), new Client(nodes)]
  const guard = await publisher.mutex('a').acquire()
  const ticket = await guard.detach({ ttlMs: 30_000 })
  assert.equal(ticket.resource, 'a')
  assert.equal(ticket.ttlMs, 30_000)
  assert.equal(ticket.fencingToken, guard.fencingToken)
  assert.throws(() => {
    guard.check()
  }, NotHeldError)
  await assert.rejects(guard.release(), NotHeldError)
  const adopted = await consumer.adopt(ticket.encode())
  assert.equal(adopted.isAdopted, true)
  assert.ok((adopted.fencingToken ?? 0) > (guard.fencingToken ?? 0))
  await assert.rejects(publisher.adopt(ticket), NotHeldError)
  await adopted.release()
  await assert.rejects(publisher.adopt(ticket), NotHeldError)
})

test('a guard and a client end with their scope', async () => {
  const nodes = memory()
  const client = new Client(nodes)
  const guard = await client.mutex('a').acquire()
  await guard[Symbol.asyncDispose]()
  assert.equal(guard.isHeld, false)
  await client[Symbol.asyncDispose]()
  await assert.rejects(client.mutex('a').acquire(), { code: 'QUORLOCK_CLOSED' })
  assert.throws(() => client.stats(), { code: 'QUORLOCK_CLOSED' })
})

test('events, counts, health and inspection tell what happened', async () => {
  const seen: string[] = []
  const nodes = memory()
  const client = new Client(nodes, {
    owner: 'tester',
    onEvent: (event) => seen.push(`${event.kind} ${event.resource}`),
  })
  const guard = await client.mutex('a').acquire()
  const shown = await client.inspect('a')
  assert.match(shown.holder ?? '', /\/node\/tester$/)
  assert.equal(shown.nodes[0]?.node, nodes[0])
  assert.ok((shown.nodes[0]?.remainingMs ?? 0) > 0)
  await guard.release()
  const health = await client.health()
  assert.equal(health.hasQuorum, true)
  assert.deepEqual(
    health.warnings.map((warning) => warning.name),
    ['no_spare'],
  )
  assert.equal(client.stats().acquired, 1)
  assert.equal(client.stats().released, 1)
  assert.deepEqual(seen, ['acquired a', 'released a'])
})
