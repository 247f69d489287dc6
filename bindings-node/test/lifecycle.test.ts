import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { Client, type Guard } from 'quorlock'
import { startServers, type Server } from 'quorlock-test-servers'

import { later, memory } from './nodes.js'

/** Workers that are terminated; `make stress-node` asks for hundreds. */
const TERMINATIONS = Number(process.env.QUORLOCK_TERMINATIONS ?? 24)
/** Processes that end in each way. */
const EXITS = Number(process.env.QUORLOCK_EXITS ?? 3)

let server: Server

before(async () => {
  ;[server] = await startServers(1)
})

after(() => server.stop())

/** Collects garbage; the tests run with --expose-gc. */
function gc(): void {
  assert.ok(globalThis.gc)
  globalThis.gc()
}

/** Stops the event loop, as a long computation does. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly tookMs: number
}

/** Runs `script` in a process of its own, with a client on the server as `client`. */
async function run(script: string): Promise<Ended> {
  const preamble = `
    const { Client } = require('quorlock')
    const client = new Client([${JSON.stringify(server.url)}], { ttlMs: 30000 })
  `
  const started = Date.now()
  const child = spawn(process.execPath, ['-e', `${preamble};(async () => {${script}})()`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end()
  let out = ''
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (out += data.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, out, tookMs: Date.now() - started }
}

test('renewal goes on while the event loop is blocked', async () => {
  const client = new Client(memory())
  const guard = await client.mutex('a').acquire({ ttlMs: 150 })
  block(900)
  assert.equal(guard.isHeld, true)
  guard.check()
  await guard.release()
})

test('after a block isHeld tells the truth at once, before the loop turned', async () => {
  const client = new Client(memory())
  const guard = await client.mutex('a').acquire({ ttlMs: 100, renew: false })
  const { signal } = guard
  block(200)
  assert.equal(guard.isHeld, false)
  assert.equal(guard.remainingMs, 0)
  assert.equal(guard.loss, 'expired')
  assert.equal(guard.signal.aborted, false, 'the loop has not turned yet')
  while (!signal.aborted) await later(1)
})

test('a loop that is blocked for too long gives its locks up', async () => {
  const client = new Client(memory(), { hostSilenceMsMax: 200 })
  const guard = await client.mutex('a').acquire({ ttlMs: 150 })
  block(1_200)
  assert.equal(guard.isHeld, false)
  assert.equal(guard.loss, 'host_silent')
  const next = await client.mutex('a').tryAcquire()
  assert.ok(next)
  await later(600)
  assert.equal(next.isHeld, true, 'a loop that turns keeps its locks')
  await next.release()
})

test('a guard that is collected is released, one whose signal is kept is not', async () => {
  const client = new Client(memory())
  const kept = await (async () => (await client.mutex('kept').acquire()).signal)()
  await (async () => {
    await client.mutex('dropped').acquire()
  })()
  const collected = async (): Promise<Guard | null> => {
    await later(10)
    gc()
    return client.mutex('dropped').tryAcquire()
  }
  let tries = 0
  while ((await collected()) === null) assert.ok(++tries < 200, 'not released within 2 s')
  assert.equal(await client.mutex('kept').tryAcquire(), null)
  assert.equal(kept.aborted, false)
})

test('workers can be terminated at any moment; what they held is given back', async () => {
  const nodes = [...memory(), server.url, ...memory()]
  const script = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { Client } = require('quorlock')
    const client = new Client(workerData.nodes, { waitMs: 60000 })
    client.mutex('own:' + workerData.index).acquire().then((guard) => {
      globalThis.guard = guard
      void guard.signal
      parentPort.postMessage('holds')
    })
    for (let i = 0; i < 20; i++) {
      void (async () => {
        for (;;) await client.mutex('shared:' + (i % 4)).using(() => undefined)
      })()
    }
  `
  const client = new Client(nodes)
  for (let done = 0; done < TERMINATIONS; done += 8) {
    const workers = Array.from({ length: 8 }, (_, index) => {
      return new Worker(script, { eval: true, workerData: { nodes, index } })
    })
    await Promise.all(
      workers.map(async (worker, index) => {
        await once(worker, 'message')
        await later(index % 4)
        await worker.terminate()
      }),
    )
    for (let index = 0; index < 8; index++) {
      const guard = await client.mutex(`own:${index}`).acquire({ waitMs: 5_000 })
      await guard.release()
    }
  }
  for (let i = 0; i < 4; i++) {
    const guard = await client.mutex(`shared:${i}`).acquire({ waitMs: 5_000 })
    await guard.release()
  }
  await client.close()
})

test('a worker that ends by itself leaves nothing behind', async () => {
  const nodes = memory()
  const script = `
    const { workerData } = require('node:worker_threads')
    const { Client } = require('quorlock')
    new Client(workerData).mutex('a').acquire()
  `
  const worker = new Worker(script, { eval: true, workerData: nodes })
  const [code] = (await once(worker, 'exit')) as [number]
  assert.equal(code, 0)
  const guard = await new Client(nodes).mutex('a').acquire({ waitMs: 5_000 })
  assert.equal(guard.isHeld, true)
})

test('idle clients and held locks do not keep the process alive; its locks are given back', async () => {
  const client = new Client([server.url])
  for (let i = 0; i < EXITS; i++) {
    const idle = await run(`await client.health()`)
    assert.deepEqual([idle.code, idle.signal, idle.out], [0, null, ''])
    const holds = await run(`
      const guard = await client.mutex('exit').acquire()
      void guard.signal
      console.log('holds')
    `)
    assert.deepEqual([holds.code, holds.signal, holds.out], [0, null, 'holds\n'])
    const free = await client.mutex('exit').tryAcquire()
    assert.ok(free, 'given back at the exit')
    await free.release()
  }
})

test('a pending acquire keeps the process alive', async () => {
  const client = new Client([server.url])
  const guard = await client.mutex('pending').acquire()
  const child = run(`
    console.log((await client.mutex('pending').acquire({ waitMs: 20000 })).isHeld)
  `)
  await later(800)
  await guard.release()
  const { code, out } = await child
  assert.deepEqual([code, out], [0, 'true\n'])
})

test('every way to end leaves the exit code alone, and no lock behind', async () => {
  const client = new Client([server.url])
  const live = `
    const guards = await Promise.all(['a', 'b', 'c'].map((name) => client.mutex(name).acquire()))
    for (const guard of guards) void guard.signal
    for (let i = 0; i < 50; i++) client.mutex('a').acquire({ waitMs: 60000 }).catch(() => undefined)
  `
  const ways: [string, number, string][] = [
    ['process.exit with live locks', 7, `${live}; process.exit(7)`],
    ['process.exit in the middle of a release', 8, `${live}; guards[0].release(); process.exit(8)`],
    ['exit code', 9, `process.exitCode = 9; ${live}; setTimeout(() => process.exit(), 20)`],
    ['an uncaught error', 1, `${live}; setTimeout(() => { throw new Error('mine') }, 5)`],
    ['an unhandled rejection', 1, `${live}; throw new Error('mine')`],
    ['beforeExit', 0, `process.once('beforeExit', async () => { ${live}; process.exit() })`],
  ]
  for (const [name, code, script] of ways) {
    for (let i = 0; i < EXITS; i++) {
      const ended = await run(script)
      assert.deepEqual([ended.code, ended.signal], [code, null], `${name}: ${ended.out}`)
    }
    for (const key of ['a', 'b', 'c']) {
      const guard = await client.mutex(key).acquire({ waitMs: 5_000 })
      await guard.release()
    }
  }
})

test('servers that hang do not hold up the exit', async () => {
  const [hung] = await startServers(1)
  const script = `
    const hung = new Client([${JSON.stringify(hung.url)}])
    await hung.mutex('a').acquire()
    process.kill(${hung.pid}, 'SIGSTOP')
    const started = process.hrtime.bigint()
    process.on('exit', () => console.log(Number(process.hrtime.bigint() - started) / 1e6))
    process.exit(3)
  `
  const { code, out } = await run(script)
  hung.resume()
  await hung.stop()
  assert.equal(code, 3)
  assert.ok(Number(out) < 1_000, out)
})
