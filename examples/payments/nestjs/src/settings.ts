/** What the demo tells its processes, by their environment. */
function setting(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}

export const settings = {
  worker: setting('PAYMENTS_WORKER'),
  nodes: setting('QUORLOCK_NODES').split(','),
  queueUrl: setting('PAYMENTS_QUEUE'),
  queueName: setting('PAYMENTS_QUEUE_NAME'),
  stream: setting('PAYMENTS_STREAM'),
  keyPrefix: setting('QUORLOCK_KEY_PREFIX'),
  ledger: setting('PAYMENTS_LEDGER'),
  /** False for the run that shows what happens without locks. */
  locks: setting('PAYMENTS_LOCKS') === 'on',
  ttlMs: Number(setting('PAYMENTS_TTL_MS')),
  ticketTtlMs: Number(setting('PAYMENTS_TICKET_TTL_MS')),
} as const

/** Where BullMQ finds its queue server. */
export const connection = {
  host: new URL(settings.queueUrl).hostname,
  port: Number(new URL(settings.queueUrl).port || 6379),
}

export const GROUP = 'workers'
