// One resource that 20 waiters want all the time, in one process or in four. Counted is how often it
// goes to another waiter: one that takes it back at once hands nothing over. Fair is slowest / fastest.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { contenders } from './contenders.mjs'
import { median } from './figures.mjs'

const ROUNDS = 3
const SLICE_MS = 1_500
const WAITERS = 20

/** Lets `waiters` compete for `key`; who had it in turn, with the time of each grant. */
async function compete(contender, key, waiters, name, untilMs) {
  const grants = []
  const waiter = async (index) => {
    while (Date.now() < untilMs) {
      // A waiter that gives up, as starved ones of some libraries do, had nothing.
      const release = await contender.acquire(key).catch(() => null)
      if (release === null) continue
      grants.push([Number(process.hrtime.bigint() / 1_000n), `${name}:${index}`])
      await Promise.resolve(release()).catch(() => undefined)
    }
  }
  await Promise.all(Array.from({ length: waiters }, (_, index) => waiter(index)))
  return grants
}

function judge(grants, waiters) {
  const inTurn = grants.sort(([a], [b]) => a - b).map(([, who]) => who)
  const handovers = inTurn.filter((who, index) => index > 0 && who !== inTurn[index - 1]).length
  const counts = new Map()
  for (const who of inTurn) counts.set(who, (counts.get(who) ?? 0) + 1)
  const had = [...counts.values(), ...Array(waiters - counts.size).fill(0)]
  return { perSecond: (handovers / SLICE_MS) * 1_000, fair: Math.min(...had) / Math.max(...had) }
}

async function inProcesses(who, ports, key, processes) {
  const children = Array.from({ length: processes }, (_, index) =>
    fork(fileURLToPath(import.meta.url), [who, ports.join(','), String(index)]),
  )
  await Promise.all(children.map((child) => once(child, 'message')))
  const untilMs = Date.now() + SLICE_MS
  const results = children.map(async (child) => {
    child.send({ key, untilMs, waiters: WAITERS / processes })
    const [grants] = await once(child, 'message')
    return grants
  })
  const grants = (await Promise.all(results)).flat()
  for (const child of children) child.disconnect()
  return judge(grants, WAITERS)
}

export async function handover(figures, ports) {
  for (const processes of [1, 4]) {
    const samples = new Map(Object.keys(contenders).map((who) => [who, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const who of samples.keys()) {
        const key = `handover:${processes}:${round}:${who}`
        samples.get(who).push(await inProcesses(who, ports, key, processes))
      }
    }
    const bench = `hand-over, ${WAITERS} waiters in ${processes} process(es), 5 nodes`
    for (const [who, seen] of samples) {
      figures.add(bench, who, 'to another', median(seen.map((one) => one.perSecond)), '1/s')
      figures.add(bench, who, 'slowest / fastest', median(seen.map((one) => one.fair)), '')
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , who, ports, name] = process.argv
  const contender = await contenders[who](ports.split(',').map(Number))
  process.on('message', async ({ key, waiters, untilMs }) => {
    process.send(await compete(contender, key, waiters, name, untilMs))
  })
  process.on('disconnect', () => process.exit())
  process.send('ready')
}
