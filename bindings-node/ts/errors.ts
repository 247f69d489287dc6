import type { Failure } from '../native/index.js'
import type { LossReason, NodeOutcome } from './reports.js'

/** Where a call was made, for the stack of an error that is found later. */
export interface CallSite {
  stack?: string
}

/** Remembers the caller of `entry`, the public function that was called. */
export function callSite(entry: object): CallSite {
  const site: CallSite = {}
  Error.captureStackTrace(site, entry as () => unknown)
  return site
}

/** The stable code of an error; `ABORT_ERR` is Node's own code for what an AbortSignal ended. */
export type ErrorCode =
  | 'QUORLOCK_CONTENDED'
  | 'QUORLOCK_TIMEOUT'
  | 'QUORLOCK_QUORUM_UNAVAILABLE'
  | 'QUORLOCK_LEASE_LOST'
  | 'QUORLOCK_NOT_HELD'
  | 'ABORT_ERR'
  | 'QUORLOCK_INVALID_ARGUMENT'
  | 'QUORLOCK_INVALID_CONFIG'
  | 'QUORLOCK_CLOSED'
  | 'QUORLOCK_FORKED'
  | 'QUORLOCK_PROTOCOL'
  | 'QUORLOCK_INTERNAL'

/** What an error tells beside its message. */
export interface ErrorDetails {
  readonly code: ErrorCode
  readonly isRetryable?: boolean
  readonly field?: string | null
  readonly resource?: string | null
  readonly operation?: string | null
  readonly attempts?: number
  readonly elapsedMs?: number
  readonly outcomes?: readonly NodeOutcome[]
  readonly cause?: unknown
}

/**
 * Every error of this package. Tell them apart by `code` or by class; the stack is that of the call
 * that failed. Neither message nor fields hold a password, a token or a server's own text.
 */
export class QuorlockError extends Error {
  /** The stable code of this kind of error. */
  readonly code: ErrorCode
  /** True where the same call, made again later, can succeed with nothing else changed. */
  readonly isRetryable: boolean
  /** The path of the argument or option that is wrong, such as `acquire.ttl_ms` or `nodes[2]`. */
  readonly field: string | null
  /** The resource the operation was about. */
  readonly resource: string | null
  /** The operation, such as `acquire`. */
  readonly operation: string | null
  /** How many rounds were tried. */
  readonly attempts: number
  /** How long the operation ran, in milliseconds. */
  readonly elapsedMs: number
  /** What each node said in the last round; empty where no node was asked. */
  readonly outcomes: readonly NodeOutcome[]

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code
    this.isRetryable = details.isRetryable ?? false
    this.field = details.field ?? null
    this.resource = details.resource ?? null
    this.operation = details.operation ?? null
    this.attempts = details.attempts ?? 0
    this.elapsedMs = details.elapsedMs ?? 0
    this.outcomes = details.outcomes ?? []
  }
}

/** Somebody else holds the lock and the call did not wait. */
export class LockContendedError extends QuorlockError {}

/** The wait ended before the lock became free. */
export class LockTimeoutError extends QuorlockError {}

/** Too few nodes answered, so nobody can tell who holds the lock. */
export class QuorumUnavailableError extends QuorlockError {}

/** The lock was lost while it was in use: stop, somebody else may have it. */
export class LeaseLostError extends QuorlockError {
  /** Why it was lost. */
  readonly loss: LossReason | null

  constructor(message: string, details: ErrorDetails & { readonly loss?: LossReason | null }) {
    super(message, details)
    this.loss = details.loss ?? null
  }
}

/** The caller does not hold what it wants to change: released, handed over, or a used ticket. */
export class NotHeldError extends QuorlockError {
  /**
   * Why a ticket was refused. `spent`: it was used and its work is done, so a duplicate can stop.
   * `adopted`: somebody holds the lock now. `expired`: its lease has run out or was released, so the
   * lock can be acquired afresh. `null` where no ticket was refused.
   */
  get ticketState(): 'spent' | 'adopted' | 'expired' | null {
    if (this.operation !== 'adopt') return null
    const count = (status: NodeOutcome['status']): number =>
      this.outcomes.filter((outcome) => outcome.status === status).length
    // Any node that remembers a used ticket tells the truth; of the others, the majority does.
    if (count('spent') > 0) return 'spent'
    return count('held_by_another') > count('missing') ? 'adopted' : 'expired'
  }
}

/** The call was given up through its AbortSignal; `cause` is the signal's reason. */
export class AbortError extends QuorlockError {}

/** An argument is outside its bounds or of the wrong type; nothing was sent. */
export class InvalidArgumentError extends QuorlockError {}

/** The client's configuration is wrong, or the servers contradict it. */
export class ConfigError extends QuorlockError {}

/** The client was closed. */
export class ClientClosedError extends QuorlockError {}

/** A server broke the protocol. */
export class ProtocolError extends QuorlockError {}

/** A bug in Quorlock. */
export class InternalError extends QuorlockError {}

/** The class of each code of the engine's table. */
export const CLASSES: Readonly<Record<string, typeof QuorlockError>> = {
  QUORLOCK_CONTENDED: LockContendedError,
  QUORLOCK_TIMEOUT: LockTimeoutError,
  QUORLOCK_QUORUM_UNAVAILABLE: QuorumUnavailableError,
  QUORLOCK_LEASE_LOST: LeaseLostError,
  QUORLOCK_NOT_HELD: NotHeldError,
  QUORLOCK_CANCELLED: AbortError,
  QUORLOCK_INVALID_ARGUMENT: InvalidArgumentError,
  QUORLOCK_INVALID_CONFIG: ConfigError,
  QUORLOCK_CLOSED: ClientClosedError,
  // A Node process never runs on after fork(2), so its users never meet this row of the table.
  QUORLOCK_FORKED: QuorlockError,
  QUORLOCK_PROTOCOL: ProtocolError,
  QUORLOCK_INTERNAL: InternalError,
}

for (const kind of Object.values(CLASSES)) {
  const name = kind === AbortError ? 'AbortError' : kind.name
  Object.defineProperty(kind.prototype, 'name', { value: name, configurable: true, writable: true })
}

/** The error of a failed call, with the stack of `site`. */
export function errorOf(
  failure: Failure,
  site: CallSite,
  more: { readonly cause?: unknown; readonly loss?: string | null } = {},
): QuorlockError {
  const kind = CLASSES[failure.code] ?? InternalError
  const code = failure.code === 'QUORLOCK_CANCELLED' ? 'ABORT_ERR' : failure.code
  const details = { ...failure, ...more, code: code as ErrorCode } as ErrorDetails
  return at(site, new kind(failure.message, details))
}

/** A wrong argument, refused before the engine is asked. */
export function invalid(field: string, message: string, site: CallSite): InvalidArgumentError {
  const details: ErrorDetails = { code: 'QUORLOCK_INVALID_ARGUMENT', field }
  return at(site, new InvalidArgumentError(`${field}: ${message}`, details))
}

/** A call that its AbortSignal ended. */
export function aborted(
  operation: string,
  resource: string,
  signal: AbortSignal,
  site: CallSite,
): AbortError {
  const details: ErrorDetails = {
    code: 'ABORT_ERR',
    isRetryable: true,
    operation,
    resource,
    cause: signal.reason,
  }
  const message = `${operation} ${JSON.stringify(resource)}: the operation was aborted`
  return at(site, new AbortError(message, details))
}

/** `error` with the stack of the call instead of that of the dispatch that found it. */
function at<E extends Error>(site: CallSite, error: E): E {
  const frames = typeof site.stack === 'string' ? site.stack.indexOf('\n    at ') : -1
  if (frames >= 0) {
    error.stack = `${error.name}: ${error.message}${site.stack?.slice(frames) ?? ''}`
  }
  return error
}
