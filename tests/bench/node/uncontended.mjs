// Acquire and release of locks that nobody else wants: one after the other, and 100 at once. The
// contenders take turns in short slices, so that all of them meet the same noise.
import { contenders } from './contenders.mjs'
import { median } from './figures.mjs'

const ROUNDS = 5
const SLICE_MS = 400

async function slice(contender, atOnce, prefix) {
  const until = performance.now() + SLICE_MS
  let cycles = 0
  const cpu = process.cpuUsage()
  const started = performance.now()
  const worker = async (index) => {
    const key = `${prefix}:${index}`
    while (performance.now() < until) {
      const release = await contender.acquire(key)
      await release()
      cycles++
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, index) => worker(index)))
  const { user, system } = process.cpuUsage(cpu)
  return {
    perSecond: (cycles / (performance.now() - started)) * 1_000,
    cpuUs: (user + system) / cycles,
  }
}

export async function uncontended(figures, ports, nodes) {
  const made = new Map()
  for (const [who, make] of Object.entries(contenders))
    made.set(who, await make(ports.slice(0, nodes)))
  for (const atOnce of [1, 100]) {
    const samples = new Map([...made.keys()].map((who) => [who, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [who, contender] of made) {
        const sample = await slice(contender, atOnce, `bench:${nodes}:${atOnce}:${who}`)
        // The first round warms up.
        if (round > 0) samples.get(who).push(sample)
      }
    }
    const bench = `${nodes} node(s), ${atOnce === 1 ? 'one after the other' : `${atOnce} at once`}`
    for (const [who, seen] of samples) {
      figures.add(bench, who, 'throughput', median(seen.map((one) => one.perSecond)), '1/s')
      figures.add(bench, who, 'CPU', median(seen.map((one) => one.cpuUs)), 'µs')
    }
  }
  for (const contender of made.values()) await contender.close()
}
