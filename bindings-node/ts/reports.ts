/** What one node said in an operation. */
export interface NodeOutcome {
  /** The node's address without user, password or query. */
  readonly node: string
  /** What it said. */
  readonly status: NodeStatus
  /** Why it could not serve, where `status` is `faulted`. */
  readonly fault: FaultClass | null
  /** The fault in a few words. */
  readonly detail: string | null
  /** From sending to the answer, or to the end of waiting for one, in milliseconds. */
  readonly elapsedMs: number
}

export type NodeStatus =
  | 'granted'
  | 'held_by_another'
  | 'queued'
  | 'missing'
  | 'spent'
  | 'faulted'
  | 'unheard'
  | 'not_asked'

export type FaultClass =
  | 'unreachable'
  | 'disconnected'
  | 'timeout'
  | 'stalled'
  | 'transient'
  | 'operator'
  | 'permission'
  | 'topology'
  | 'unsupported'
  | 'foreign_format'
  | 'protocol'
  | 'tls'
  | 'unknown'
  | 'closed'
  | 'guarded'

/** A node's failure to serve a command. */
export interface Fault {
  readonly class: FaultClass
  readonly detail: string
}

/** Why a lock was lost. */
export type LossReason =
  'majority' | 'expired' | 'hold_limit' | 'renewal_limit' | 'host_silent' | 'resigned'

/** What became of a release. */
export interface Released {
  /**
   * `released`: a majority gave the key back. `already_expired`: there was nothing left to give back.
   * `still_held`: other guards of the lock are left, see `Guard.reenter`.
   * `unknown`: too few nodes answered; the engine goes on releasing until they do or the ttl ends.
   */
  readonly result: 'released' | 'already_expired' | 'still_held' | 'unknown'
  /** The nodes that did not answer, where the result is `unknown`. */
  readonly nodes: readonly NodeOutcome[]
}

/** Who holds a resource, node by node. */
export interface Inspection {
  readonly resource: string
  /** `host/pid/language/text` of the owner that a majority shows, `foreign` for another library's. */
  readonly holder: string | null
  /** Votes that make a majority. */
  readonly quorum: number
  readonly nodes: readonly NodeView[]
}

/** What one node shows of a resource. */
export interface NodeView {
  readonly node: string
  readonly owner: string | null
  /** How long the key still lives, in milliseconds. */
  readonly remainingMs: number | null
  readonly fencingCounter: number | null
  /** Waiters in the queue there; `null` where the user may not ask. */
  readonly waiters: number | null
  /** Why the node did not answer, if it did not. */
  readonly fault: Fault | null
}

/** What is known of the nodes, and what is wrong with them. */
export interface Health {
  /** True where a majority can be reached: locks can be had. */
  readonly hasQuorum: boolean
  readonly quorum: number
  readonly nodes: readonly NodeHealth[]
  /** Everything worth a look, most serious first. */
  readonly warnings: readonly HealthWarning[]
}

/** What one node says of itself, as far as its user may ask. */
export interface NodeHealth {
  readonly node: string
  readonly fault: Fault | null
  readonly roundTripMs: number
  /** `redis`, `valkey` or `memory`. */
  readonly server: string | null
  readonly version: string | null
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string | null
  /** `master` or `slave`. */
  readonly role: string | null
  readonly appendOnly: boolean | null
  readonly eviction: string | null
  readonly replicas: number | null
  /** How long its answers do not count, where it came back without its data. */
  readonly guardedMs: number | null
}

/** One thing worth a look. */
export interface HealthWarning {
  readonly name:
    | 'same_server'
    | 'not_primary'
    | 'mode'
    | 'evicts'
    | 'guarded'
    | 'unguarded'
    | 'no_persistence'
    | 'unreachable'
    | 'even_nodes'
    | 'no_spare'
  readonly message: string
}

/** What one client did since it was made. */
export interface Stats {
  readonly acquired: number
  /** Tries that found somebody else holding the lock. */
  readonly contended: number
  readonly failed: number
  readonly renewed: number
  readonly lost: number
  readonly released: number
  readonly detached: number
  readonly adopted: number
  /** Nodes that could not serve their part of a failed call. */
  readonly nodeFaults: number
  /** Rounds it took to win, in all. */
  readonly rounds: number
  /** Time from the call to the lock, over all locks won. */
  readonly waitedMs: number
  /** Time locks were held, over all given back. */
  readonly heldMs: number
  /** The least validity that was left when a renewal was confirmed; `null` before the first. */
  readonly renewalMarginMsMin: number | null
}

/** One thing that happened to a lock of a client. */
export interface LockEvent {
  readonly kind:
    | 'acquired'
    | 'contended'
    | 'failed'
    | 'renewed'
    | 'lost'
    | 'released'
    | 'detached'
    | 'adopted'
    | 'guarded'
    | 'admitted'
  /** The resource; empty where it is about a node. */
  readonly resource: string
  /**
   * `failed`: the error's code. `lost`: the reason. `released`: `released`, `already_expired` or
   * `unknown`. `detached`: the ticket's id. `guarded`, `admitted`: the node. Else empty.
   */
  readonly detail: string
  /**
   * `acquired`, `adopted`, `failed`: time since the call. `renewed`: validity that was left.
   * `released`: how long the lock was held. `guarded`: until the node votes. Else 0.
   */
  readonly spanMs: number
  /** Rounds tried; 0 where there are none. */
  readonly attempts: number
}
