// node main.mjs [--leases 10000] [--only bridge,uncontended,handover,renewal] [--json FILE]
import { parseArgs } from 'node:util'

import { startServers } from 'quorlock-test-servers'

import { bridgeAlone } from './bridge.mjs'
import { Figures } from './figures.mjs'
import { handover } from './handover.mjs'
import { renewal } from './renewal.mjs'
import { uncontended } from './uncontended.mjs'

const { values } = parseArgs({
  options: {
    leases: { type: 'string', default: '10000' },
    only: { type: 'string', default: 'bridge,uncontended,handover,renewal' },
    json: { type: 'string' },
  },
})
const only = new Set(values.only.split(','))

/** Ours against the fastest of the others, with fencing tokens and without. */
function ratio(figures, bench, measure) {
  const of = figures.of(bench, measure)
  const others = [...of].filter(([who]) => !who.startsWith('quorlock')).map(([, value]) => value)
  const against = (who) => Number((of.get(who) / Math.max(...others)).toFixed(2))
  return { fenced: against('quorlock'), 'not fenced': against('quorlock, no fencing') }
}

const servers = await startServers(5)
const ports = servers.map((server) => server.port)
const figures = new Figures()
const ratios = {}
try {
  if (only.has('bridge')) await bridgeAlone(figures)
  if (only.has('uncontended')) {
    for (const nodes of [1, 5]) {
      await uncontended(figures, ports, nodes)
      for (const how of ['one after the other', '100 at once']) {
        const bench = `${nodes} node(s), ${how}`
        ratios[bench] = ratio(figures, bench, 'throughput')
      }
    }
  }
  if (only.has('handover')) {
    await handover(figures, ports)
    for (const processes of [1, 4]) {
      const bench = `hand-over, 20 waiters in ${processes} process(es), 5 nodes`
      ratios[bench] = ratio(figures, bench, 'to another')
    }
  }
  if (only.has('renewal')) await renewal(figures, ports, Number(values.leases))
} finally {
  await Promise.all(servers.map((server) => server.stop()))
}
figures.print()
console.log('\nOurs against the fastest of the others (more is better)')
console.table(ratios)
if (values.json !== undefined) figures.write(values.json, ratios)
