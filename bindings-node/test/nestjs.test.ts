import 'reflect-metadata'

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Controller, Get, Injectable, Module, type INestApplicationContext } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { TerminusModule, HealthCheckService } from '@nestjs/terminus'
import { Test } from '@nestjs/testing'
import {
  Client,
  ConfigError,
  InvalidArgumentError,
  LeaseLostError,
  LockTimeoutError,
  NotHeldError,
} from 'quorlock'
import {
  currentGuard,
  InjectQuorlock,
  Locked,
  QuorlockHealthIndicator,
  QuorlockModule,
  QuorlockTestingModule,
  type QuorlockOptions,
  type QuorlockOptionsFactory,
} from 'quorlock/nestjs'

import { later, memory } from './nodes.js'

class Refused extends Error {}

interface Order {
  readonly id: number
  readonly buyer?: { readonly name: string }
}

@Injectable()
class Payments {
  running = 0
  most = 0

  @Locked({ key: (order: Order) => `payment:${order.id}` })
  async charge(order: Order): Promise<string> {
    this.most = Math.max(this.most, ++this.running)
    await later(10)
    this.running--
    return `${currentGuard().resource} ${order.id}`
  }

  @Locked({ key: (order: Order) => `payment:${order.id}` })
  refuse(_: Order): Promise<never> {
    return Promise.reject(new Refused('no money'))
  }

  @Locked('buyer:{0.buyer.name}:{1}')
  named(_order: Order, _way: string): Promise<string> {
    return Promise.resolve(currentGuard().resource)
  }

  @Locked({ key: 'report', whenHeld: 'skip' })
  async report(): Promise<string> {
    await later(30)
    return 'done'
  }

  @Locked({ key: 'slow', ttlMs: 60, renew: false })
  async slow(): Promise<string> {
    const { signal } = currentGuard()
    while (!signal.aborted) await later(5)
    return 'too late'
  }

  @Locked({ key: 'impatient', waitMs: 20 })
  impatient(): Promise<void> {
    return Promise.resolve()
  }

  @Locked('twice')
  twice(): Promise<string> {
    return this.inner()
  }

  @Locked('twice')
  inner(): Promise<string> {
    return Promise.resolve('inner')
  }
}

async function testing(): Promise<{
  app: INestApplicationContext
  payments: Payments
  client: Client
}> {
  const module = await Test.createTestingModule({
    imports: [QuorlockTestingModule.forRoot()],
    providers: [Payments],
  }).compile()
  const app = await module.init()
  return { app, payments: app.get(Payments), client: app.get(Client) }
}

test('a locked method runs one at a time per key, with its guard', async () => {
  const { app, payments } = await testing()
  const charges = [1, 1, 1].map((id) => payments.charge({ id }))
  assert.deepEqual(await Promise.all(charges), Array(3).fill('payment:1 1'))
  assert.equal(payments.most, 1)
  payments.most = 0
  await Promise.all([1, 2, 3].map((id) => payments.charge({ id })))
  assert.ok(payments.most > 1)
  await app.close()
})

test('a locked method releases on throw, and what it throws is passed on', async () => {
  const { app, payments, client } = await testing()
  await assert.rejects(payments.refuse({ id: 1 }), (error) => {
    assert.ok(error instanceof Refused)
    assert.equal(error.message, 'no money')
    return true
  })
  const free = await client.mutex('payment:1').tryAcquire()
  assert.ok(free)
  await app.close()
})

test('a key can be a template, and one that names nothing is refused', async () => {
  const { app, payments } = await testing()
  const order = { id: 7, buyer: { name: 'ann' } }
  assert.equal(await payments.named(order, 'card'), 'buyer:ann:card')
  await assert.rejects(payments.named({ id: 7 }, 'card'), (error) => {
    assert.ok(error instanceof InvalidArgumentError)
    assert.equal(error.field, 'locked.key')
    return true
  })
  await app.close()
})

test('a method can be skipped while somebody else has the lock', async () => {
  const { app, payments } = await testing()
  assert.deepEqual((await Promise.all([payments.report(), payments.report()])).sort(), [
    'done',
    undefined,
  ])
  await app.close()
})

test('a lost lock rejects before the caller goes on', async () => {
  const { app, payments } = await testing()
  await assert.rejects(payments.slow(), LeaseLostError)
  await app.close()
})

test('waiting ends in time, and a call that would wait for itself is refused', async () => {
  const { app, payments, client } = await testing()
  const guard = await client.mutex('impatient').acquire()
  await assert.rejects(payments.impatient(), LockTimeoutError)
  await guard.release()
  await payments.impatient()
  await assert.rejects(payments.twice(), InvalidArgumentError)
  assert.equal(await payments.inner(), 'inner')
  assert.throws(currentGuard, NotHeldError)
  await app.close()
})

test('a class that Nest does not make is told so', async () => {
  await assert.rejects(new Payments().charge({ id: 1 }), (error) => {
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, /^Payments\.charge is @Locked\(\)/)
    return true
  })
})

test('the decorator keeps name, length and metadata of the method', () => {
  @Controller()
  class Routes {
    @Locked('route')
    @Get('/charge')
    // The length is what is looked at.
    charge(_one: string, _two: string): Promise<void> {
      return Promise.resolve()
    }
  }
  const { charge } = Routes.prototype
  assert.equal(charge.name, 'charge')
  assert.equal(charge.length, 2)
  assert.equal(Reflect.getMetadata('path', charge), '/charge')
})

test('named clients are apart, and options can be injected', async () => {
  const nodes = memory()

  @Injectable()
  class Settings implements QuorlockOptionsFactory {
    createQuorlockOptions(): QuorlockOptions {
      return { nodes, ttlMs: 3_000 }
    }
  }

  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  @Injectable()
  class Users {
    constructor(
      @InjectQuorlock() readonly first: Client,
      @InjectQuorlock('second') readonly second: Client,
      @InjectQuorlock('third') readonly third: Client,
      readonly typed: Client,
    ) {}

    @Locked({ key: 'k', client: 'second' })
    onSecond(): Promise<boolean> {
      return Promise.resolve(currentGuard().client === this.second)
    }
  }

  const module = await Test.createTestingModule({
    imports: [
      QuorlockModule.forRoot({ nodes, owner: 'first' }),
      QuorlockModule.forRootAsync({
        name: 'second',
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: (settings: Settings) => settings.createQuorlockOptions(),
      }),
      QuorlockModule.forRootAsync({ name: 'third', useClass: Settings }),
    ],
    providers: [Users],
  }).compile()
  const users = module.get(Users)
  assert.equal(users.first, users.typed)
  assert.notEqual(users.first, users.second)
  assert.equal(await users.onSecond(), true)
  const guard = await users.third.mutex('k').acquire()
  assert.ok(guard.remainingMs <= 3_000)
  assert.equal(await users.first.mutex('k').tryAcquire(), null)
  await module.close()
  assert.throws(() => QuorlockModule.forRootAsync({}), InvalidArgumentError)
})

test('a shutdown waits for what runs, gives back what is held, and closes', async () => {
  const nodes = memory()
  const outside = new Client(nodes)

  @Module({ imports: [QuorlockModule.forRoot({ nodes })], providers: [Payments] })
  class App {}

  const app = await NestFactory.createApplicationContext(App, { logger: false })
  const client = app.get(Client)
  const payments = app.get(Payments)
  await client.mutex('left').acquire()
  const running = payments.report()
  while ((await outside.inspect('report')).holder === null) await later(2)
  await app.close()
  // It ended by itself: its lock was not taken away under it.
  assert.equal(await running, 'done')
  assert.ok(await outside.mutex('left').tryAcquire())
  assert.ok(await outside.mutex('report').tryAcquire())
  await assert.rejects(client.mutex('a').acquire(), { code: 'QUORLOCK_CLOSED' })
  await outside.close()
})

test('Terminus understands the health indicator', async () => {
  const check = async (nodes: string[]): Promise<unknown> => {
    const module = await Test.createTestingModule({
      imports: [
        TerminusModule.forRoot({ logger: false }),
        QuorlockModule.forRoot({ nodes, connectTimeoutMs: 100 }),
      ],
    }).compile()
    const indicator = module.get(QuorlockHealthIndicator)
    const health = module.get(HealthCheckService)
    try {
      return (await health.check([() => indicator.isHealthy('locks')])).status
    } catch (error) {
      return (error as { getStatus(): number }).getStatus()
    } finally {
      await module.close()
    }
  }
  assert.equal(await check(memory()), 'ok')
  // Nothing listens on the discard port.
  assert.equal(await check(['redis://127.0.0.1:9']), 503)
})
