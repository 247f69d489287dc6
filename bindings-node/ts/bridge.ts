import { isMainThread } from 'node:worker_threads'

import { Bridge, NativeGuard, type Failure } from '../native/index.js'
import { aborted, errorOf, type CallSite } from './errors.js'

/** Kinds of deliveries, as `src/answer.rs` numbers them. */
const DONE = 0
const FAILED = 1

/** Something that hears of what happens to it. */
export interface Listener {
  hear(news: unknown): void
}

/** A call under way. */
interface Call {
  resolve(value: unknown): void
  reject(error: unknown): void
  readonly site: CallSite
  readonly abort: Abort | undefined
}

/** How a call is given up by an AbortSignal. */
interface Abort {
  readonly signal: AbortSignal
  readonly operation: string
  readonly resource: string
  readonly listener: () => void
  isAborted: boolean
}

/** What may end a call early. */
export interface Abortable {
  readonly signal: AbortSignal | undefined
  readonly operation: string
  readonly resource: string
}

/** One count for calls and listeners, so that a late word never meets another's number. */
let last = 0
const calls = new Map<number, Call>()
const listeners = new Map<number, WeakRef<Listener>>()
const forgotten = new FinalizationRegistry<number>((id) => listeners.delete(id))

/** This environment's bridge to the engine; each worker has its own. */
export const bridge = new Bridge(dispatch)

if (isMainThread) {
  // A process that exits gives its locks back. A worker's are given back by the engine, which
  // outlives it.
  process.on('exit', () => {
    bridge.closeAll()
  })
}

/** The answer to the native call that `start` begins under the number it is given. */
export function call<T>(
  site: CallSite,
  start: (id: number) => void,
  abortable?: Abortable,
): Promise<T> {
  const signal = abortable?.signal
  if (signal?.aborted === true && abortable !== undefined) {
    return Promise.reject(aborted(abortable.operation, abortable.resource, signal, site))
  }
  return new Promise<T>((resolve, reject) => {
    const id = ++last
    const abort =
      signal === undefined || abortable === undefined ? undefined : begin(id, signal, abortable)
    calls.set(id, { resolve: resolve, reject, site, abort })
    start(id)
  })
}

/** A number under which news reach `listener` as long as somebody else keeps it. */
export function listen(listener: Listener): number {
  const id = ++last
  listeners.set(id, new WeakRef(listener))
  forgotten.register(listener, id, listener)
  return id
}

function begin(id: number, signal: AbortSignal, { operation, resource }: Abortable): Abort {
  const abort: Abort = {
    signal,
    operation,
    resource,
    listener() {
      abort.isAborted = true
      bridge.cancel(id)
    },
    isAborted: false,
  }
  signal.addEventListener('abort', abort.listener, { once: true })
  return abort
}

/** Takes everything that has come since the last time: word, number and value in turn. */
function dispatch(batch: unknown[]): void {
  for (let index = 0; index < batch.length; index += 3) {
    const word = batch[index]
    const id = batch[index + 1] as number
    const value = batch[index + 2]
    if (word === DONE || word === FAILED) {
      settle(id, word === FAILED, value)
    } else {
      listeners.get(id)?.deref()?.hear(value)
    }
  }
}

function settle(id: number, failed: boolean, value: unknown): void {
  const under = calls.get(id)
  if (under === undefined) return
  calls.delete(id)
  const { site, abort } = under
  abort?.signal.removeEventListener('abort', abort.listener)
  if (abort?.isAborted === true) {
    // It may have been won in the same moment: nobody takes it, so it is given back.
    if (value instanceof NativeGuard) giveBack(value, site)
    under.reject(aborted(abort.operation, abort.resource, abort.signal, site))
  } else if (failed) {
    under.reject(errorOf(value as Failure, site))
  } else {
    under.resolve(value)
  }
}

/** Releases a lock that nobody holds; whatever becomes of it, the engine sees it through. */
export function giveBack(guard: NativeGuard, site: CallSite): void {
  call(site, (id) => {
    guard.release(bridge, id)
  }).catch(() => undefined)
}
