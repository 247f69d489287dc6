import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

import { Client, QuorlockError, Ticket, type AcquireOptions } from 'quorlock'

import { memory } from './nodes.js'

const ROOT = resolve(__dirname, '../../..')
const DIST = join(ROOT, 'bindings-node/dist')

interface Row {
  readonly case?: string
  readonly code?: string
  readonly field?: string
}

function table<R extends Row>(file: string, name = 'rows'): R[] {
  const text = readFileSync(join(ROOT, 'tests/vectors', file), 'utf8')
  return (JSON.parse(text) as Record<string, R[]>)[name] ?? []
}

const camel = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** The error of `call`, which must be the one of `row`. */
async function refused(row: Row, what: string, call: () => unknown): Promise<QuorlockError> {
  let error: unknown
  try {
    await call()
  } catch (thrown) {
    error = thrown
  }
  assert.ok(error instanceof QuorlockError, `${what}: ${String(error)}`)
  assert.deepEqual([error.code, error.field], [row.code, row.field], what)
  const said = `${error.message} ${error.stack ?? ''} ${JSON.stringify(error)}`
  assert.doesNotMatch(said, /hunter2|0123456789abcdef0123456789abcdef01234567/, what)
  return error
}

test('errors.json: every kind has its class, its code and whether to try again', () => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { CLASSES } = require(join(DIST, 'errors.js')) as {
    readonly CLASSES: Readonly<Record<string, typeof QuorlockError>>
  }
  const rows = table<Row & { kind: string; number: number; retryable: boolean }>('errors.json')
  assert.deepEqual(
    rows.map((row) => row.code),
    Object.keys(CLASSES),
  )
  const names: Record<string, string> = {
    Contended: 'LockContendedError',
    Timeout: 'LockTimeoutError',
    QuorumUnavailable: 'QuorumUnavailableError',
    LeaseLost: 'LeaseLostError',
    NotHeld: 'NotHeldError',
    Cancelled: 'AbortError',
    InvalidArgument: 'InvalidArgumentError',
    Config: 'ConfigError',
    Closed: 'ClientClosedError',
    Forked: 'QuorlockError',
    Protocol: 'ProtocolError',
    Internal: 'InternalError',
  }
  for (const { kind, code } of rows) assert.equal(CLASSES[code ?? '']?.name, names[kind], kind)
})

test('statuses.json: the types list every word', () => {
  const declared: Record<string, [string, RegExp]> = {
    node_status: ['reports', /type NodeStatus = ([^;]+);/],
    fault_class: ['reports', /type FaultClass = ([^;]+);/],
    loss: ['reports', /type LossReason = ([^;]+);/],
    released: ['reports', /interface Released \{[^}]*readonly result: ([^;]+);/],
    warning: ['reports', /interface HealthWarning \{[^}]*readonly name: ([^;]+);/],
    event: ['reports', /interface LockEvent \{[^}]*readonly kind: ([^;]+);/],
    fencing: ['client', /readonly fencing\?: ([^;]+) \| undefined;/],
    restart_guard: ['client', /readonly restartGuard\?: ([^;]+) \| undefined;/],
  }
  for (const { name, words } of table<Row & { name: string; words: string[] }>('statuses.json')) {
    const [file, pattern] = declared[name] ?? assert.fail(`${name} is new`)
    const union = pattern.exec(readFileSync(join(DIST, `${file}.d.ts`), 'utf8'))?.[1] ?? ''
    assert.deepEqual(
      [...union.matchAll(/'(\w+)'/g)].map((match) => match[1]),
      words,
      name,
    )
  }
})

interface OptionRow extends Row {
  readonly scope: 'client' | 'acquire' | 'detach'
  readonly name: string
  readonly unit: string
  readonly least: number | string | null
  readonly most: number | string | null
}

test('options.json: bounds are accepted, one beyond is refused by its name', async () => {
  const nodes = memory()
  const TTL_MS = 10_000
  // `Renamed` says what the option is about: it is the loop that is silent.
  const named = (row: OptionRow): string =>
    row.name === 'silence_ms_max' ? 'hostSilenceMsMax' : camel(row.name)
  const value = (bound: number | string | null): number | null =>
    typeof bound === 'string' ? TTL_MS : bound
  const use = async (row: OptionRow, number: number): Promise<void> => {
    const client = new Client(nodes)
    if (row.scope === 'client') {
      const given = row.unit === 'bytes' ? 'x'.repeat(number) : number
      if (row.name === 'nodes') {
        new Client(Array.from({ length: number }, (_, index) => `memory://n${index}`))
        return
      }
      // A long ttl wants a cap that is as long, which the client sets by itself.
      new Client(nodes, { [named(row)]: given })
    } else if (row.scope === 'acquire') {
      const options = { [named(row)]: number } as AcquireOptions
      const guard = await client.mutex('options').acquire(options)
      await guard.release()
    } else {
      const guard = await client.mutex('options').acquire()
      try {
        const ticket = await guard.detach({ [named(row)]: number })
        await (await client.adopt(ticket)).release()
      } finally {
        await guard[Symbol.asyncDispose]()
      }
    }
    await client.close()
  }
  for (const row of table<OptionRow>('options.json')) {
    const what = `${row.scope} ${row.name}`
    const code = row.name === 'nodes' ? 'QUORLOCK_INVALID_CONFIG' : 'QUORLOCK_INVALID_ARGUMENT'
    const [least, most] = [value(row.least), value(row.most)]
    if (least !== null) {
      await use(row, least)
      const below = row.unit === 'bytes' ? null : least - 1
      if (below !== null) await refused({ ...row, code }, `${what} ${below}`, () => use(row, below))
    }
    if (most !== null) {
      await use(row, most)
      await refused({ ...row, code }, `${what} ${most + 1}`, () => use(row, most + 1))
    }
  }
})

test('names.json: a name is taken as it is, or refused', async () => {
  interface NameRow extends Row {
    readonly prefix: string
    readonly name: string
  }
  for (const row of table<NameRow>('names.json')) {
    const what = row.case ?? ''
    const client = new Client(memory(), { keyPrefix: row.prefix })
    if (row.code === undefined) {
      const guard = await client.mutex(row.name).acquire()
      assert.equal(guard.resource, row.name, what)
      const ticket = await guard.detach()
      assert.equal(ticket.resource, row.name, what)
    } else {
      await refused(row, what, () => client.mutex(row.name).acquire())
    }
  }
})

test('validity.json: a lease is never said to be valid for longer than it is', async () => {
  const client = new Client(memory())
  const rows = table<Row & { ttl_ms: number; drift_ms: number }>('validity.json')
  for (const { ttl_ms: ttlMs, drift_ms: driftMs } of rows) {
    const guard = await client.mutex('validity').acquire({ ttlMs, renew: false })
    assert.ok(guard.remainingMs <= ttlMs - driftMs, `ttl ${ttlMs}`)
    await guard.release()
  }
  for (const { nodes, quorum } of table<Row & { nodes: number; quorum: number }>(
    'validity.json',
    'quorums',
  )) {
    const urls = Array.from({ length: nodes }, () => memory()).flat()
    assert.equal((await new Client(urls).inspect('validity')).quorum, quorum)
  }
})

test('tickets.json: a ticket says exactly this, or is refused', async () => {
  interface TicketRow extends Row {
    readonly text: string
    readonly message?: string
    readonly id?: string
    readonly resource?: string
    readonly ttl_ms?: number
    readonly fencing_token?: number | null
  }
  for (const row of table<TicketRow>('tickets.json')) {
    const what = row.case ?? ''
    if (row.code === undefined) {
      const { id, resource, ttlMs, fencingToken } = Ticket.decode(row.text)
      assert.deepEqual(
        [id, resource, ttlMs, fencingToken],
        [row.id, row.resource, row.ttl_ms, row.fencing_token],
        what,
      )
    } else {
      const error = await refused(row, what, () => Ticket.decode(row.text))
      assert.equal(error.message, `ticket: ${row.message}`, what)
    }
  }
})

test('inputs.json: bad input is refused at once, with the same code and field as everywhere', async () => {
  interface InputRow extends Row {
    readonly call: string
    readonly client?: Record<string, unknown>
    readonly with: {
      readonly nodes?: string[]
      readonly resource?: string
      readonly ticket?: string
      readonly ttl_ms?: number
      readonly options?: Record<string, unknown>
    }
  }
  const options = (given: Record<string, unknown> = {}): object =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [camel(name), value]))
  for (const row of table<InputRow>('inputs.json')) {
    const { resource = '', ticket = '', ...given } = row.with
    await refused(row, row.case ?? '', async () => {
      if (row.call === 'connect') return new Client(given.nodes ?? [], options(given.options))
      if (row.call === 'ticket') return Ticket.decode(ticket)
      const client = new Client(['memory://inputs'], options(row.client))
      if (row.call === 'inspect') return client.inspect(resource)
      if (row.call === 'adopt') return client.adopt(ticket, options(given.options))
      if (row.call === 'detach') {
        const guard = await client.mutex('inputs').acquire()
        const ttlMs = given.ttl_ms
        return guard.detach(ttlMs === undefined ? {} : { ttlMs }).finally(() => guard.release())
      }
      const mutex = client.mutex(resource)
      if (row.call === 'acquire') return mutex.acquire(options(given.options))
      assert.equal(row.call, 'try_acquire')
      return mutex.tryAcquire(options(given.options))
    })
  }
})
