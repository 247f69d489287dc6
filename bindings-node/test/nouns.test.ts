import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  Client,
  ClientClosedError,
  InvalidArgumentError,
  LeaseLostError,
  LockContendedError,
  LockTimeoutError,
  NotHeldError,
  QuorumUnavailableError,
} from 'quorlock'

import { later, memory } from './nodes.js'

const HOUR_MS = 3_600_000

function refused(field: string) {
  return (error: unknown) => {
    assert.ok(error instanceof InvalidArgumentError, String(error))
    assert.equal(error.field, field)
    return true
  }
}

test('a lock is given back with the last guard', async () => {
  const client = new Client(memory())
  const outer = await client.mutex('a').acquire()
  const inner = outer.reenter()
  assert.equal(inner.fencingToken, outer.fencingToken)
  await assert.rejects(outer.detach(), refused('guard'))
  assert.equal((await inner.release()).result, 'still_held')
  assert.equal(inner.isHeld, false)
  assert.equal(outer.isHeld, true)
  assert.throws(() => inner.reenter(), NotHeldError)
  assert.equal(await client.mutex('a').tryAcquire(), null)
  assert.equal((await outer.release()).result, 'released')
  assert.notEqual(await client.mutex('a').tryAcquire(), null)
  await client.close()
})

test('several resources are one lock', async () => {
  const client = new Client(memory())
  const both = client.multi(['b', 'a'])
  assert.deepEqual(both.names, ['b', 'a'])
  await both.using({ waitMs: 1_000 }, async (guard) => {
    assert.deepEqual([...guard.resources].sort(), ['a', 'b'])
    assert.deepEqual(guard.slots, [])
    assert.equal(await client.mutex('a').tryAcquire(), null)
    assert.equal(await client.multi(['c', 'b']).tryAcquire(), null)
    await assert.rejects(client.multi(['b']).acquire({ waitMs: 0 }), LockContendedError)
  })
  const guard = await both.acquire()
  await guard.release()
  await assert.rejects(client.multi([]).acquire(), refused('names'))
  await assert.rejects(client.multi(['a', 'a']).acquire(), refused('names'))
  assert.throws(() => client.multi('ab' as never), refused('names'))
  assert.throws(() => client.multi([7] as never), refused('names[0]'))
  await assert.rejects(both.acquire({ permits: 1 } as never), refused('acquire.permits'))
  await client.close()
})

test('a semaphore has so many permits', async () => {
  const client = new Client(memory())
  const printers = client.semaphore('printers', 3)
  assert.deepEqual([printers.name, printers.permits], ['printers', 3])
  const two = await printers.acquire({ permits: 2, waitMs: 1_000 })
  const one = await printers.tryAcquire()
  assert.ok(one !== null)
  assert.equal(new Set([...two.slots, ...one.slots]).size, 3)
  assert.equal(await printers.tryAcquire(), null)
  await assert.rejects(printers.acquire({ waitMs: 10 }), LockTimeoutError)
  await two.release()
  await one.release()
  const slots = await printers.using({ permits: 3 }, (guard) => [...guard.slots].sort())
  assert.deepEqual(slots, [0, 1, 2])
  for (const permits of [0, 4, -1, 1.5, NaN]) {
    await assert.rejects(printers.acquire({ permits }), refused('permits'))
  }
  await assert.rejects(printers.acquire({ permits: '1' as never }), refused('permits'))
  await assert.rejects(client.semaphore('printers', 0).acquire(), refused('permits'))
  assert.throws(() => client.semaphore('printers', '3' as never), refused('permits'))
  await client.close()
})

test('never more callers than permits', async () => {
  const client = new Client(memory())
  let [inside, most] = [0, 0]
  const work = async () => {
    await client.semaphore('s', 2).using({ waitMs: 30_000 }, async () => {
      most = Math.max(most, ++inside)
      await later(2)
      inside--
    })
  }
  await Promise.all(Array.from({ length: 30 }, work))
  assert.equal(most, 2)
  await client.close()
})

test('a job is done once', async () => {
  const client = new Client(memory())
  const job = client.once('job', HOUR_MS)
  assert.deepEqual([job.name, job.retentionMs], ['job', HOUR_MS])
  assert.equal(await job.isDone(), false)
  const failing = job.run(() => {
    throw new RangeError('fails')
  })
  await assert.rejects(failing, RangeError)
  const guard = await job.begin({ waitMs: 5_000 })
  assert.ok(guard?.isOnce)
  await assert.rejects(job.begin({ waitMs: 0 }), LockContendedError)
  await assert.rejects(guard.detach(), refused('guard'))
  // As the end of a block by an exception.
  await guard[Symbol.asyncDispose]()
  let ran = 0
  const runs = await Promise.all(
    Array.from({ length: 10 }, () =>
      job.run({ waitMs: 10_000 }, async () => {
        await later(2)
        ran++
      }),
    ),
  )
  assert.equal(runs.filter(Boolean).length, 1)
  assert.equal(ran, 1)
  assert.equal(await job.begin(), null)
  assert.equal(await job.isDone(), true)
  const late = await client.once('late', HOUR_MS).begin({ ttlMs: 50, renew: false })
  await later(100)
  await assert.rejects(late?.complete() ?? later(0), LeaseLostError)
  await assert.rejects(client.once('job', 999).begin(), refused('once.retention_ms'))
  await assert.rejects(client.once('job', NaN).isDone(), refused('once.retention_ms'))
  assert.throws(() => client.once('job', '1h' as never), refused('once.retention_ms'))
  await client.close()
})

test('a leader leads until it resigns', async () => {
  const client = new Client(memory())
  const election = client.elect('crown', { ttlMs: 5_000 })
  const tenure = await election.won({ limitMs: 10_000 })
  assert.equal(election.isLeader, true)
  assert.equal(election.name, 'crown')
  assert.equal(election.fencingToken, tenure.fencingToken)
  assert.equal(election.trouble, null)
  assert.match((await election.leader()) ?? '', /\/node\//)
  const signal = tenure.signal
  const other = client.elect('crown')
  await assert.rejects(other.won({ limitMs: 20 }), LockTimeoutError)
  await assert.rejects(other.won({ signal: AbortSignal.timeout(20) }), { code: 'ABORT_ERR' })
  assert.equal((await election.resign()).result, 'released')
  assert.equal(election.isLeader, false)
  assert.equal(tenure.loss, 'resigned')
  assert.throws(() => {
    tenure.check()
  }, LeaseLostError)
  const next = await other.won()
  assert.ok((next.fencingToken ?? 0) > (tenure.fencingToken ?? 0))
  assert.equal(signal.aborted, true)
  await assert.rejects(election.won(), NotHeldError)
  await other[Symbol.asyncDispose]()
  assert.equal(await other.leader(), null)
  assert.throws(() => client.elect('crown', { ttlMs: 0 }), refused('acquire.ttl_ms'))
  assert.throws(() => client.elect('crown', { waitMs: 1 } as never), refused('elect.waitMs'))
  assert.throws(() => client.elect(''), refused('name'))
  await client.close()
  assert.throws(() => client.elect('crown'), ClientClosedError)
})

test('a candidate tells its trouble', async () => {
  const client = new Client(['redis://127.0.0.1:9'], { waitMs: 0 })
  const election = client.elect('crown')
  for (let tries = 0; election.trouble === null && tries < 2_000; tries++) await later(10)
  assert.ok(election.trouble instanceof QuorumUnavailableError)
  await assert.rejects(election.leader(), QuorumUnavailableError)
  await client.close()
})
