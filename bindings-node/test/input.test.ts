import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Client, ConfigError, InvalidArgumentError, QuorlockError, Ticket } from 'quorlock'

import { memory } from './nodes.js'

/** Nothing listens here: whatever is refused in spite of it was refused before any I/O. */
const NOBODY = ['redis://127.0.0.1:9']

/** Never shown in an error. */
const SECRET = 'hunter2'

const NO_NUMBERS: readonly unknown[] = [
  '5000',
  '',
  5_000n,
  true,
  null,
  {},
  [],
  [5_000],
  Symbol('ms'),
  () => 5_000,
  new Date(5_000),
  new Number(5_000),
]
const WRONG_NUMBERS = [NaN, Infinity, -Infinity, -1, 0.5, 1_000.000_001, 2 ** 53 + 2, 1e300, -1e300]
const NO_STRINGS: readonly unknown[] = [5, 5n, true, null, {}, [], ['a'], Symbol('a'), () => 'a']
const NO_BOOLEANS: readonly unknown[] = [0, 1, 'true', '', null, {}, []]
const LONE_SURROGATES = ['\ud800', 'a\udfff', '\ud83dx', 'x\udc00\ud800']
const NO_OBJECTS: readonly unknown[] = [null, 5, 'ttlMs', true, [], () => undefined, Symbol('a')]

let cases = 0

/** `call` must fail with an error about `field`, and name it. */
async function refuses(field: string, value: unknown, call: () => unknown): Promise<void> {
  cases++
  let error: unknown
  try {
    await call()
  } catch (thrown) {
    error = thrown
  }
  const what = `${field} of type ${typeof value}`
  assert.ok(error instanceof InvalidArgumentError, `${what}: ${String(error)}`)
  assert.equal(error.field, field, what)
  assert.equal(error.code, 'QUORLOCK_INVALID_ARGUMENT', what)
  assert.ok(error.message.includes(field), error.message)
  assert.ok(!error.message.includes(SECRET), what)
  assert.match(error.stack ?? '', /input\.test/, what)
}

/** What JavaScript lets through and the types forbid. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function untyped<T>(value: unknown): T {
  return value as T
}

test('numbers of acquire, tryAcquire, using and adopt', async () => {
  const client = new Client(NOBODY)
  const mutex = client.mutex('a')
  const ticket = await (await new Client(memory()).mutex('a').acquire()).detach()
  for (const value of [...NO_NUMBERS, ...WRONG_NUMBERS]) {
    for (const [option, field] of [
      ['ttlMs', 'acquire.ttl_ms'],
      ['waitMs', 'acquire.wait_ms'],
      ['holdMsMax', 'acquire.hold_ms_max'],
    ] as const) {
      const options = untyped<object>({ [option]: value })
      await refuses(field, value, () => mutex.acquire(options))
      await refuses(field, value, () => mutex.tryAcquire(options))
      await refuses(field, value, () => mutex.using(options, () => assert.fail('it ran')))
      await refuses(field, value, () => client.adopt(ticket, options))
    }
  }
  for (const zero of [0, -0]) {
    await refuses('acquire.ttl_ms', zero, () => mutex.acquire({ ttlMs: zero }))
  }
  await client.close(0)
})

test('minus zero is zero where zero is allowed', async () => {
  const client = new Client(memory(), { waitMs: -0 })
  const guard = await client.mutex('a').acquire()
  await assert.rejects(client.mutex('a').acquire({ waitMs: -0 }), { code: 'QUORLOCK_CONTENDED' })
  await guard.release()
})

test('numbers of the client', async () => {
  for (const value of [...NO_NUMBERS, ...WRONG_NUMBERS]) {
    for (const [option, field] of [
      ['ttlMs', 'ttl_ms'],
      ['waitMs', 'wait_ms'],
      ['holdMsMax', 'hold_ms_max'],
      ['renewalsMax', 'renewals_max'],
      ['nodeTimeoutMs', 'node_timeout_ms'],
      ['connectTimeoutMs', 'connect_timeout_ms'],
      ['ticketRetentionMs', 'ticket_retention_ms'],
      ['waitersMax', 'waiters_max'],
      ['hostSilenceMsMax', 'silence_ms_max'],
    ] as const) {
      await refuses(field, value, () => new Client(memory(), untyped({ [option]: value })))
    }
  }
})

test('numbers of detach and close', async () => {
  const client = new Client(memory())
  const guard = await client.mutex('a').acquire()
  for (const value of [...NO_NUMBERS, ...WRONG_NUMBERS]) {
    await refuses('detach.ttl_ms', value, () => guard.detach(untyped({ ttlMs: value })))
    await refuses('close.limit_ms', value, () => client.close(untyped(value)))
  }
  assert.equal(guard.isHeld, true)
  await guard.release()
})

test('names', async () => {
  const client = new Client(NOBODY)
  for (const value of [...NO_STRINGS, undefined, ...LONE_SURROGATES]) {
    await refuses('name', value, () => client.mutex(untyped(value)))
    await refuses('name', value, () => client.inspect(untyped(value)))
  }
  for (const value of ['', 'x'.repeat(1_025), 'ü'.repeat(513)]) {
    await refuses('name', value, () => client.mutex(value).acquire())
    await refuses('name', value, () => client.mutex(value).tryAcquire())
    await refuses('name', value, () => client.inspect(value))
  }
  await client.close(0)
})

test('texts of the client', async () => {
  for (const value of [...NO_STRINGS, ...LONE_SURROGATES]) {
    for (const [option, field] of [
      ['keyPrefix', 'key_prefix'],
      ['owner', 'owner'],
      ['fencing', 'fencing'],
      ['tlsCaPem', 'tls_ca_pem'],
    ] as const) {
      await refuses(field, value, () => new Client(memory(), untyped({ [option]: value })))
    }
    await refuses('nodes[1]', value, () => new Client([...memory(), untyped(value)]))
  }
  await refuses('fencing', 'always', () => new Client(memory(), untyped({ fencing: 'always' })))
})

test('yes and no', async () => {
  const client = new Client(NOBODY)
  for (const value of NO_BOOLEANS) {
    await refuses('renew', value, () => new Client(memory(), untyped({ renew: value })))
    await refuses('tls_verify', value, () => new Client(memory(), untyped({ tlsVerify: value })))
    const options = untyped<object>({ renew: value })
    await refuses('acquire.renew', value, () => client.mutex('a').acquire(options))
  }
  await client.close(0)
})

test('objects and functions', async () => {
  const client = new Client(NOBODY)
  const mutex = client.mutex('a')
  const guard = await new Client(memory()).mutex('a').acquire()
  for (const value of NO_OBJECTS) {
    await refuses('options', value, () => new Client(memory(), untyped(value)))
    await refuses('acquire', value, () => mutex.acquire(untyped(value)))
    await refuses('acquire', value, () => mutex.tryAcquire(untyped(value)))
    await refuses('detach', value, () => guard.detach(untyped(value)))
  }
  for (const value of [null, 5, 'a', {}, new EventTarget(), { aborted: false }]) {
    await refuses('acquire.signal', value, () => mutex.acquire(untyped({ signal: value })))
  }
  for (const value of [undefined, null, 5, 'a', {}]) {
    await refuses('using.work', value, () => mutex.using({}, untyped<() => void>(value)))
  }
  for (const value of [null, 5, 'a', {}]) {
    await refuses('on_event', value, () => new Client(memory(), untyped({ onEvent: value })))
  }
  for (const value of [undefined, null, 5, 'redis://a', {}, new Set(memory())]) {
    await refuses('nodes', value, () => new Client(untyped(value)))
  }
  await client.close(0)
})

test('a misspelt option is not ignored', async () => {
  const client = new Client(NOBODY)
  const guard = await new Client(memory()).mutex('a').acquire()
  await refuses('acquire.ttl', 5, () => client.mutex('a').acquire(untyped({ ttl: 5 })))
  await refuses('acquire.timeout', 5, () => client.mutex('a').acquire(untyped({ timeout: 5 })))
  await refuses('detach.ttl', 5, () => guard.detach(untyped({ ttl: 5 })))
  await refuses('options.ttlms', 5, () => new Client(memory(), untyped({ ttlms: 5 })))
  await client.close(0)
})

test('tickets', async () => {
  const client = new Client(NOBODY)
  for (const value of [
    ...NO_STRINGS,
    undefined,
    ...LONE_SURROGATES,
    '',
    SECRET,
    `qlt1:${SECRET}`,
  ]) {
    await refuses('ticket', value, () => Ticket.decode(untyped(value)))
    await refuses('ticket', value, () => client.adopt(untyped(value)))
  }
  await client.close(0)
})

test('node URLs that are wrong name their place and keep their password', () => {
  for (const url of [
    `redis://u:${SECRET}@`,
    `http://u:${SECRET}@h`,
    `redis://:${SECRET}@h:99999`,
  ]) {
    assert.throws(
      () => new Client([...memory(), url]),
      (error) => {
        assert.ok(error instanceof ConfigError && error instanceof QuorlockError)
        assert.equal(error.field, 'nodes[1]')
        assert.doesNotMatch(`${error.message} ${error.stack}`, new RegExp(SECRET))
        return true
      },
    )
  }
})

test('there are enough cases', () => {
  assert.ok(cases > 300, `${cases} cases`)
})
