import type { Client } from '../client.js'

/** What runs under locks of each client, so that a shutdown can wait for it. */
const running = new WeakMap<Client, Set<Promise<unknown>>>()

/** Counts `work` as running under a lock of `client` until it ends. */
export function run<T>(client: Client, work: Promise<T>): Promise<T> {
  const all = running.get(client) ?? new Set()
  running.set(client, all)
  all.add(work)
  const over = (): boolean => all.delete(work)
  work.then(over, over)
  return work
}

/** Resolves when nothing runs under a lock of `client` any more, after `limitMs` at most. */
export async function drained(client: Client, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  const over = Promise.allSettled([...(running.get(client) ?? [])])
  await Promise.race([over, limit])
  clearTimeout(timer)
}
