// The driver of Node, as tests/scenarios/DRIVER.md describes it: requests on stdin, replies on stdout.
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { Client, QuorlockError, Ticket } from 'quorlock'

import { errorOf, guardOf, healthOf, inspectionOf, statsOf, ticketOf } from './answers.mjs'

const clients = new Map()
const guards = new Map()
/** How to give up what is under way, by the request's id. */
const calls = new Map()

/** The request makes no sense. */
class DriverError extends Error {}

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())

/** Options under their names in JavaScript, their values as they are. */
function optionsOf(request) {
  if (request.options === undefined || request.options === null) return {}
  return Object.fromEntries(
    Object.entries(request.options).map(([name, value]) => [camel(name), value]),
  )
}

function found(map, name, what) {
  const one = map.get(name)
  if (one === undefined) throw new DriverError(`no such ${what}`)
  return one
}

const clientOf = (request) => found(clients, request.client, 'client')
const heldBy = (request) => found(guards, request.guard, 'guard')

function keep(request, guard) {
  if (guard === null) return null
  guards.set(request.guard, guard)
  return guardOf(guard)
}

/** The loss of `guard` once it is signalled, `null` after `ms`. */
function lost(guard, ms) {
  const { signal } = guard
  if (signal.aborted) return guard.loss
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve(signal.aborted ? guard.loss : null)
    }
    const timer = setTimeout(over, ms)
    signal.addEventListener('abort', over)
  })
}

const requests = {
  hello: () => ({ language: 'node', variant: 'promises', version: '0.1.0' }),
  connect(request) {
    const onEvent = (event) => console.error('event', event)
    clients.set(request.client, new Client(request.nodes, { ...optionsOf(request), onEvent }))
    return null
  },
  async acquire(request, signal) {
    const mutex = clientOf(request).mutex(request.resource)
    return keep(request, await mutex.acquire({ ...optionsOf(request), signal }))
  },
  async try_acquire(request, signal) {
    const mutex = clientOf(request).mutex(request.resource)
    return keep(request, await mutex.tryAcquire({ ...optionsOf(request), signal }))
  },
  async adopt(request, signal) {
    const options = { ...optionsOf(request), signal }
    return keep(request, await clientOf(request).adopt(request.ticket, options))
  },
  cancel(request) {
    calls.get(request.call)?.abort()
    return null
  },
  is_held: (request) => heldBy(request).isHeld,
  remaining: (request) => Math.floor(heldBy(request).remainingMs),
  check: (request) => heldBy(request).check() ?? null,
  loss: (request) => heldBy(request).loss,
  wait_lost: (request) => lost(heldBy(request), request.within_ms),
  extend: async (request) => (await heldBy(request).extend()) ?? null,
  async release(request) {
    const { result, nodes } = await heldBy(request).release()
    return { result, nodes: nodes.map((outcome) => outcome.node) }
  },
  async drop(request) {
    guards.delete(request.guard)
    // What the call before left on the stack is gone in the next turn.
    await nextTurn()
    globalThis.gc()
    return null
  },
  async detach(request) {
    const { ttl_ms: ttlMs } = request
    const ticket = await heldBy(request).detach(ttlMs === null ? undefined : { ttlMs })
    return { ticket: ticket.encode() }
  },
  ticket: (request) => ticketOf(Ticket.decode(request.ticket)),
  inspect: async (request) => inspectionOf(await clientOf(request).inspect(request.resource)),
  health: async (request) => healthOf(await clientOf(request).health()),
  stats: (request) => statsOf(clientOf(request).stats()),
  close: (request) => clientOf(request).close(request.limit_ms),
  block(request) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, request.ms)
    return null
  },
  exit: (request) => process.exit(request.code),
}

async function answer(request) {
  const controller = new AbortController()
  calls.set(request.id, controller)
  try {
    if (!Object.hasOwn(requests, request.do))
      throw new DriverError(`${request.do}: no such request`)
    return { id: request.id, ok: await requests[request.do](request, controller.signal) }
  } catch (error) {
    console.error(error)
    if (error instanceof QuorlockError) return { id: request.id, error: errorOf(error) }
    return { id: request.id, error: { code: 'DRIVER', message: String(error?.message ?? error) } }
  } finally {
    calls.delete(request.id)
  }
}

const under = new Set()
for await (const line of createInterface({ input: process.stdin })) {
  const said = answer(JSON.parse(line)).then((reply) => {
    under.delete(said)
    process.stdout.write(`${JSON.stringify(reply)}\n`)
  })
  under.add(said)
}
for (const controller of calls.values()) controller.abort()
await Promise.all([...clients.values()].map((client) => client.close()))
process.exit(0)
