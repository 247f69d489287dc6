// Figures, medians, and how they are shown.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** All figures of a run. */
export class Figures {
  #rows = []

  add(bench, who, measure, value, unit) {
    this.#rows.push({ bench, who, measure, value: Number(value.toPrecision(4)), unit })
  }

  of(bench, measure) {
    const rows = this.#rows.filter((row) => row.bench === bench && row.measure === measure)
    return new Map(rows.map((row) => [row.who, row.value]))
  }

  /** One table per benchmark: a line for each contender. */
  print() {
    for (const bench of new Set(this.#rows.map((row) => row.bench))) {
      const rows = this.#rows.filter((row) => row.bench === bench)
      const measures = [...new Set(rows.map((row) => row.measure))]
      console.log(`\n${bench}`)
      const table = {}
      for (const who of new Set(rows.map((row) => row.who))) {
        const cell = (measure) => rows.find((row) => row.who === who && row.measure === measure)
        table[who] = Object.fromEntries(
          measures.map((measure) => {
            const row = cell(measure)
            return [`${measure} ${row?.unit ?? ''}`.trim(), row?.value ?? '-']
          }),
        )
      }
      console.table(table)
    }
  }

  write(file, extra) {
    const processor = /model name\s*: (.+)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]
    const machine = {
      processor: processor ?? 'unknown',
      cores: cpus().length,
      node: process.version,
      load_per_core: Number((loadavg()[0] / cpus().length).toFixed(2)),
    }
    const lines = this.#rows.map((row) => JSON.stringify(row)).join(',\n')
    const head = `{\n"machine": ${JSON.stringify(machine)},\n"ratios": ${JSON.stringify(extra)},\n`
    writeFileSync(file, `${head}"figures": [\n${lines}\n]\n}\n`)
  }
}
