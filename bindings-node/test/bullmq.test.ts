import 'reflect-metadata'

import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'

import { BullModule, Processor } from '@nestjs/bullmq'
import { Test } from '@nestjs/testing'
import {
  Queue,
  UnrecoverableError,
  Worker,
  type Job,
  type JobsOptions,
  type Processor as Process,
} from 'bullmq'
import { Client, InvalidArgumentError, NotHeldError, type Guard } from 'quorlock'
import {
  addLocked,
  lockedProcessor,
  type Locked,
  type LockedProcessorOptions,
  type LockedWork,
} from 'quorlock/bullmq'
import { currentGuard, QuorlockModule } from 'quorlock/nestjs'
import { LockedWorkerHost } from 'quorlock/nestjs-bullmq'
import { startServers, type Server } from 'quorlock-test-servers'

import { later } from './nodes.js'

interface Order {
  readonly amount: number
}

let broker: Server
let nodes: Server[]
let client: Client
let last = 0

before(async () => {
  ;[[broker], nodes] = await Promise.all([startServers(1), startServers(3)])
  client = new Client(urls(), { ttlMs: 4_000 })
})

after(async () => {
  await client.close()
  await Promise.all([broker, ...nodes].map((server) => server.stop()))
})

function urls(): string[] {
  return nodes.map((node) => node.url)
}

const connection = (): { host: string; port: number; maxRetriesPerRequest: null } => ({
  host: '127.0.0.1',
  port: broker.port,
  maxRetriesPerRequest: null,
})

/** A queue and a worker on it. */
class Line {
  readonly queue: Queue<Locked<Order>>
  readonly #workers: Worker<Locked<Order>, unknown>[] = []

  constructor(t: TestContext) {
    t.after(() => this.close())
    this.queue = new Queue(`orders-${++last}`, { connection: connection() })
  }

  work<R>(work: LockedWork<Order, R>, options?: LockedProcessorOptions, by = client): void {
    const process = lockedProcessor(by, work, { busyMs: 50, ...options })
    const worker = new Worker<Locked<Order>, unknown>(
      this.queue.name,
      process as Process<Locked<Order>, unknown>,
      { connection: connection(), concurrency: 2 },
    )
    worker.on('error', () => undefined)
    this.#workers.push(worker)
  }

  async publish(job?: JobsOptions, ttlMs?: number): Promise<Job<Locked<Order>> | null> {
    const mutex = client.mutex(`payment:${this.queue.name}`)
    return addLocked(this.queue, mutex, 'charge', { amount: 5 }, { job, ttlMs })
  }

  /** The job once it is in one of `states`. */
  async until(id: string | undefined, ...states: string[]): Promise<Job<Locked<Order>>> {
    for (let tries = 0; tries < 1_000; tries++) {
      const state = await this.queue.getJobState(id ?? '')
      const job = states.includes(state) ? await this.queue.getJob(id ?? '') : undefined
      if (job !== undefined) return job
      await later(10)
    }
    throw new Error(`job ${id} was not ${states.join(' or ')} within 10 s`)
  }

  /** Puts a finished job's data into the queue once more, as a queue that delivers twice. */
  async again(job: Job<Locked<Order>>): Promise<Job<Locked<Order>>> {
    return this.queue.add('charge', job.data)
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()))
    await this.queue.close()
  }
}

test('the lock goes with the job from publisher to worker', async (t) => {
  const line = new Line(t)
  const job = await line.publish()
  assert.ok(job)
  assert.equal(job.data.amount, 5)
  assert.equal(await line.publish(), null, 'scheduled already')
  const seen: { guard?: Guard; signal?: AbortSignal } = {}
  line.work((taken, guard, signal) => {
    Object.assign(seen, { guard, signal })
    assert.equal(taken.data.amount, 5)
    return Promise.resolve(String(guard.fencingToken))
  })
  const done = await line.until(job.id, 'completed')
  assert.equal(seen.guard?.isAdopted, true)
  assert.equal(done.returnvalue, String(seen.guard.fencingToken))
  assert.equal(seen.signal?.aborted, false)
  assert.equal(seen.guard.isHeld, false)
  assert.ok(await line.publish(), 'free again')
})

test('a job delivered again after its work was done does nothing', async (t) => {
  const line = new Line(t)
  let works = 0
  line.work(() => Promise.resolve(++works))
  const job = await line.until((await line.publish())?.id, 'completed')
  const twin = await line.until((await line.again(job)).id, 'completed')
  assert.equal(twin.returnvalue, null)
  assert.equal(works, 1)
})

test('a job delivered again while its work is done waits, and then does nothing', async (t) => {
  const line = new Line(t)
  let works = 0
  let finish = (): void => undefined
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const job = await line.publish()
  assert.ok(job)
  line.work(async () => {
    works++
    await finished
  })
  await line.until(job.id, 'active')
  const twin = await line.again(job)
  await line.until(twin.id, 'delayed')
  finish()
  await line.until(job.id, 'completed')
  await line.until(twin.id, 'completed')
  assert.equal(works, 1)
})

test('a job that waited longer than its ticket fails, or locks afresh if asked', async (t) => {
  const line = new Line(t)
  const job = await line.publish({ attempts: 3 }, 4_000)
  assert.ok(job)
  const ticket = job.data.quorlock.ticket ?? ''
  // As if the ttl had passed: the lock was given back by nobody who did the work.
  await expire(ticket)
  let works = 0
  line.work(() => Promise.resolve(++works))
  const failed = await line.until(job.id, 'failed')
  assert.match(failed.failedReason, /run out or was released/)
  assert.equal(failed.attemptsMade, 1, 'another try would find the same')

  const eager = new Line(t)
  const late = await eager.publish({}, 4_000)
  assert.ok(late)
  await expire(late.data.quorlock.ticket ?? '')
  eager.work(
    (_, guard) => {
      works++
      return Promise.resolve(guard.isHeld)
    },
    { whenExpired: 'acquire' },
  )
  const done = await eager.until(late.id, 'completed')
  assert.equal(done.returnvalue, true)
  const twin = await eager.until((await eager.again(done)).id, 'completed')
  assert.equal(twin.returnvalue, null)
  assert.equal(works, 1, 'a second delivery can tell that it is done')
})

/** Deletes the lock of `ticket` on every node, as its ttl would. */
async function expire(ticket: string): Promise<void> {
  const { Redis } = await import('ioredis')
  const { Ticket } = await import('quorlock')
  const { resource } = Ticket.decode(ticket)
  for (const node of nodes) {
    const redis = new Redis(node.port)
    assert.equal(await redis.del(resource), 1)
    await redis.quit()
  }
}

test('work that fails keeps its lock for the next try, and gives it back after the last', async (t) => {
  const line = new Line(t)
  const tickets = new Set<string | null>()
  const thrown = new RangeError('no money')
  line.work((job, guard) => {
    tickets.add(job.data.quorlock.ticket)
    assert.equal(guard.isAdopted, true)
    throw thrown
  })
  const job = await line.publish({ attempts: 3, backoff: 20 })
  const failed = await line.until(job?.id, 'failed')
  assert.equal(failed.failedReason, 'no money')
  assert.equal(failed.attemptsMade, 3)
  assert.equal(tickets.size, 3)
  assert.ok(!tickets.has(null))
  assert.ok(await line.publish(), 'given back')
})

test('a job that cannot take its lock along fails for good, instead of looking done', async (t) => {
  const line = new Line(t)
  let works = 0
  line.work((job) => {
    works++
    job.updateData = () => Promise.reject(new Error('the broker is gone'))
    throw new RangeError('no money')
  })
  const job = await line.publish({ attempts: 3, backoff: 20 })
  const failed = await line.until(job?.id, 'failed', 'completed')
  assert.equal(await failed.getState(), 'failed')
  assert.equal(failed.failedReason, 'no money')
  assert.equal(works, 1)
})

test('work that fails for good gives its lock back at once', async (t) => {
  const line = new Line(t)
  line.work(() => Promise.reject(new UnrecoverableError('never')))
  const job = await line.publish({ attempts: 5 })
  const failed = await line.until(job?.id, 'failed')
  assert.equal(failed.attemptsMade, 1)
  assert.ok(await line.publish())
})

test('a lost lock aborts the work, is in the log of the job, and fails it', async (t) => {
  const line = new Line(t)
  const job = await line.publish()
  assert.ok(job)
  line.work(
    async (_job, _guard, signal) => {
      while (!signal.aborted) await later(5)
      return 'too late'
    },
    { acquire: { ttlMs: 100, renew: false } },
  )
  const failed = await line.until(job.id, 'failed')
  assert.match(failed.failedReason, /validity ran out/)
  const { logs } = await line.queue.getJobLogs(job.id ?? '')
  assert.deepEqual(logs, ['quorlock: the lock was lost: expired'])
})

test('work that lost its lock is done again, and does not look done', async (t) => {
  const line = new Line(t)
  let works = 0
  line.work(
    async () => {
      if (++works === 1) await later(200)
      return works
    },
    { acquire: { ttlMs: 100, renew: false } },
  )
  const job = await line.publish({ attempts: 2, backoff: 20 })
  const done = await line.until(job?.id, 'completed', 'failed')
  assert.equal(done.returnvalue, 2)
})

test('work that failed for the last time can be tried again by hand', async (t) => {
  const line = new Line(t)
  let works = 0
  line.work(() => (++works === 1 ? Promise.reject(new Error('mine')) : Promise.resolve(works)))
  const job = await line.until((await line.publish())?.id, 'failed')
  await job.retry()
  const done = await line.until(job.id, 'completed')
  assert.equal(done.returnvalue, 2)
})

test('a job that was not published with a lock is refused, a changed ticket too', async (t) => {
  const line = new Line(t)
  line.work(() => Promise.resolve())
  const bare = await line.queue.add('charge', { amount: 1 } as Locked<Order>)
  assert.match((await line.until(bare.id, 'failed')).failedReason, /job\.data\.quorlock/)
  const lock = { resource: 'r', ticket: 'qlt1:changed' }
  const changed = await line.queue.add('charge', { amount: 1, quorlock: lock })
  assert.match((await line.until(changed.id, 'failed')).failedReason, /^ticket: /)
})

test('where publishing fails the lock is given back', async () => {
  const refused = new Error('the broker is gone')
  const queue = { add: () => Promise.reject(refused) }
  const mutex = client.mutex('unpublished')
  await assert.rejects(
    addLocked(queue, mutex, 'charge', { amount: 1 }),
    (error) => error === refused,
  )
  const free = await mutex.tryAcquire()
  assert.ok(free)
  await free.release()
})

test('where the hand-over fails nothing is published and the lock is given back', async () => {
  const queue = { add: () => Promise.reject(new Error('must not be called')) }
  const mutex = client.mutex('not-handed-over')
  // Out of bounds, which shows only once the lock is held.
  const options = { ttlMs: 1 }
  await assert.rejects(
    addLocked(queue, mutex, 'charge', { amount: 1 }, options),
    InvalidArgumentError,
  )
  const free = await mutex.tryAcquire()
  assert.ok(free)
  await free.release()
})

test('a worker that dies leaves its job to the next, which locks afresh', async (t) => {
  const line = new Line(t)
  const job = await line.publish()
  assert.ok(job)
  const dead = new Client(urls())
  // It takes the lock over and is never heard of again; nothing renews the lock.
  const guard = await dead.adopt(job.data.quorlock.ticket ?? '', { ttlMs: 300, renew: false })
  const started = Date.now()
  let works = 0
  line.work(() => Promise.resolve(++works), { whenExpired: 'acquire' })
  await line.until(job.id, 'completed')
  assert.ok(Date.now() - started >= 150, 'not while the other might be at it')
  assert.equal(works, 1)
  assert.throws(() => {
    guard.check()
  })
  await dead.close()
})

test('a ticket tells why it is refused', async () => {
  const mutex = client.mutex('told')
  const ticket = await (await mutex.acquire()).detach()
  const state = async (): Promise<unknown> =>
    client.adopt(ticket).then(
      () => 'taken',
      (error: unknown) => (error instanceof NotHeldError ? error.ticketState : error),
    )
  const guard = await client.adopt(ticket)
  assert.equal(await state(), 'adopted')
  await guard.release()
  assert.equal(await state(), 'spent')
  const other = await (await mutex.acquire()).detach()
  await expire(other.encode())
  const refused = client.adopt(other)
  await assert.rejects(refused, (error) => {
    return error instanceof NotHeldError && error.ticketState === 'expired'
  })
})

test('a NestJS processor gets the lock of its job, and is waited for', async () => {
  const name = `nest-${++last}`
  const seen: unknown[] = []

  @Processor(name)
  class Orders extends LockedWorkerHost<Order, string> {
    constructor(client: Client) {
      super(client, { busyMs: 50 })
    }

    protected override async work(job: Job<Locked<Order>>, guard: Guard): Promise<string> {
      seen.push(currentGuard() === guard, guard.isAdopted)
      await later(100)
      seen.push(guard.isHeld)
      return `charged ${job.data.amount}`
    }
  }

  const module = await Test.createTestingModule({
    imports: [
      BullModule.forRoot({ connection: connection() }),
      BullModule.registerQueue({ name }),
      QuorlockModule.forRoot({ nodes: urls() }),
    ],
    providers: [Orders],
  }).compile()
  const app = await module.init()
  const queue = new Queue<Locked<Order>>(name, { connection: connection() })
  const job = await addLocked(queue, app.get(Client).mutex(name), 'charge', { amount: 7 })
  assert.ok(job)
  while ((await job.getState()) !== 'active') await later(5)
  await app.close()
  assert.deepEqual(seen, [true, true, true])
  const done = await queue.getJob(job.id ?? '')
  assert.equal(done?.returnvalue, 'charged 7')
  await queue.close()
})
