/** Tells the demo what happened: one line of JSON. */
export function tell(event: string, order = '', more: Record<string, unknown> = {}): void {
  const line = { t: performance.timeOrigin + performance.now(), e: event, o: order, ...more }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
