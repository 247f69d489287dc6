// Many leases held renewed at once by one process: how many are lost, and what renewal costs.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { contenders } from './contenders.mjs'

const TTL_MS = 10_000
const HOLD_MS = 20_000
/** Not all at once: what is measured is keeping, not taking. */
const TAKEN_AT_ONCE = 200

async function hold(who, ports, leases) {
  const contender = await contenders[who](ports)
  let lost = 0
  const releases = []
  for (let taken = 0; taken < leases; taken += TAKEN_AT_ONCE) {
    const batch = Array.from({ length: Math.min(TAKEN_AT_ONCE, leases - taken) }, (_, index) =>
      contender.renewed(`renewed:${who}:${taken + index}`, TTL_MS, () => lost++),
    )
    for (const one of await Promise.allSettled(batch)) {
      if (one.status === 'fulfilled') releases.push(one.value)
      else lost++
    }
  }
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, HOLD_MS))
  const { user, system } = process.cpuUsage(cpu)
  return { lost, cpuPercent: (user + system) / (HOLD_MS * 10) }
}

export async function renewal(figures, ports, leases) {
  const bench = `${leases} renewed leases, ttl ${TTL_MS / 1_000} s, held for ${HOLD_MS / 1_000} s, 5 nodes`
  for (const who of ['quorlock', 'redlock', 'redis-semaphore']) {
    const child = fork(fileURLToPath(import.meta.url), [who, ports.join(','), String(leases)], {
      stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    })
    const [{ lost, cpuPercent }] = await once(child, 'message')
    child.kill('SIGKILL')
    figures.add(bench, who, 'lost', lost, '')
    figures.add(bench, who, 'CPU', cpuPercent, '% of a core')
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , who, ports, leases] = process.argv
  process.on('uncaughtException', () => undefined)
  process.on('unhandledRejection', () => undefined)
  process.send(await hold(who, ports.split(',').map(Number), Number(leases)))
}
