import { connect, NativeClient, NativeElection, type NativeGuard } from '../native/index.js'
import { bridge, call, listen } from './bridge.js'
import { Election, type ElectOptions } from './election.js'
import { callSite, errorOf, invalid, type CallSite } from './errors.js'
import { guardOf, type Guard } from './guard.js'
import * as input from './input.js'
import { Multi } from './multi.js'
import { callOf, mutexOf, type AcquireOptions, type Mutex } from './mutex.js'
import { Once } from './once.js'
import type { Health, Inspection, LockEvent, Stats } from './reports.js'
import { Semaphore } from './semaphore.js'
import { Ticket } from './ticket.js'

/** Options of a {@link Client}; each is checked before any I/O. */
export interface ClientOptions {
  /** How long a lease lives without renewal: 10 ms to 24 h, 10 s by default. */
  readonly ttlMs?: number | undefined
  /** How long `acquire` waits at most: 30 s by default. */
  readonly waitMs?: number | undefined
  /** Whether leases are renewed in the background: yes by default. */
  readonly renew?: boolean | undefined
  /** How long a lease may be held in all, renewals included: 1 h by default. */
  readonly holdMsMax?: number | undefined
  /** How often a lease may be renewed: 100,000 times by default. */
  readonly renewalsMax?: number | undefined
  /** How long one node may take to answer: the smaller of 50 ms and a tenth of the ttl by default. */
  readonly nodeTimeoutMs?: number | undefined
  /** How long making a connection may take, each phase: 1 s by default. */
  readonly connectTimeoutMs?: number | undefined
  /** What every key begins with: nothing by default. At most 256 bytes, no `{` or `}`. */
  readonly keyPrefix?: string | undefined
  /** Whether leases carry a fencing token: where the nodes can count, by default. */
  readonly fencing?: 'auto' | 'required' | 'off' | undefined
  /** How long the nodes remember that a ticket's work is done: 1 h by default. */
  readonly ticketRetentionMs?: number | undefined
  /** The most callers of this client that may wait at once: 10,000 by default and at most. */
  readonly waitersMax?: number | undefined
  /** Free text that `inspect` shows beside host, process and language of a holder. */
  readonly owner?: string | undefined
  /** Certificates to trust for `rediss://`, in PEM, beside the built-in roots. */
  readonly tlsCaPem?: string | undefined
  /** `false` switches the checks of certificates off: for tests only. */
  readonly tlsVerify?: boolean | undefined
  /**
   * Whether a node that came back without its data is kept from voting until it is safe: with three nodes
   * or more, by default.
   */
  readonly restartGuard?: 'auto' | 'on' | 'off' | undefined
  /**
   * Whether a cluster of which every node answers and none has ever been used may be used at once: yes by
   * default; `false` waits for the longest ttl.
   */
  readonly assumeFresh?: boolean | undefined
  /**
   * How long the event loop may be blocked before its locks are given up, because a dead-locked
   * process would otherwise hold them up to `holdMsMax`: 60 s by default, 100 ms at least.
   */
  readonly hostSilenceMsMax?: number | undefined
  /** Hears of everything that happens to this client's locks. Does not keep the process alive. */
  readonly onEvent?: ((event: LockEvent) => void) | undefined
}

const CLIENT_OPTIONS: ReadonlySet<string> = new Set([
  'ttlMs',
  'waitMs',
  'renew',
  'holdMsMax',
  'renewalsMax',
  'nodeTimeoutMs',
  'connectTimeoutMs',
  'keyPrefix',
  'fencing',
  'ticketRetentionMs',
  'waitersMax',
  'owner',
  'tlsCaPem',
  'tlsVerify',
  'restartGuard',
  'assumeFresh',
  'hostSilenceMsMax',
  'onEvent',
])

const ELECT_OPTIONS: ReadonlySet<string> = new Set(['ttlMs', 'holdMsMax'])

/** How long `close` lets what is under way finish unless the caller says otherwise. */
const CLOSE_LIMIT_MS = 5_000

/**
 * A client of N independent Redis or Valkey servers, or of an embedded node (`memory://name`).
 *
 * Connections are made in the background; nothing here waits for them. A client does not keep the
 * process alive, nor does a held lock; a pending call does.
 *
 * ```ts
 * const client = new Client(['redis://a:6379', 'redis://b:6379', 'redis://c:6379'])
 * await client.mutex('invoice:42').using(async (guard) => {
 *   await store.write(invoice, guard.fencingToken)
 * })
 * await client.close()
 * ```
 */
export class Client {
  readonly #native: NativeClient
  readonly #onEvent: ((event: LockEvent) => void) | undefined

  /**
   * @param nodes `redis://`, `rediss://`, `unix://` or `memory://name` URLs, one for each server
   * @throws {InvalidArgumentError | ConfigError} naming the option or `nodes[i]`
   */
  constructor(nodes: readonly string[], options?: ClientOptions) {
    const site = callSite(Client)
    const given = input.options('options', options, CLIENT_OPTIONS, site)
    if (given.onEvent !== undefined) input.callable('on_event', given.onEvent, site)
    this.#onEvent = given.onEvent
    const made = connect(
      bridge,
      listen(this),
      urls(nodes, site),
      {
        ttlMs: input.optionalNumber('ttl_ms', given.ttlMs, site),
        waitMs: input.optionalNumber('wait_ms', given.waitMs, site),
        renew: input.optionalBoolean('renew', given.renew, site),
        holdMsMax: input.optionalNumber('hold_ms_max', given.holdMsMax, site),
        renewalsMax: input.optionalNumber('renewals_max', given.renewalsMax, site),
        nodeTimeoutMs: input.optionalNumber('node_timeout_ms', given.nodeTimeoutMs, site),
        connectTimeoutMs: input.optionalNumber('connect_timeout_ms', given.connectTimeoutMs, site),
        keyPrefix: input.optionalString('key_prefix', given.keyPrefix, site),
        fencing: input.optionalString('fencing', given.fencing, site),
        ticketRetentionMs: input.optionalNumber(
          'ticket_retention_ms',
          given.ticketRetentionMs,
          site,
        ),
        waitersMax: input.optionalNumber('waiters_max', given.waitersMax, site),
        owner: input.optionalString('owner', given.owner, site),
        tlsCaPem: input.optionalString('tls_ca_pem', given.tlsCaPem, site),
        tlsVerify: input.optionalBoolean('tls_verify', given.tlsVerify, site),
        restartGuard: input.optionalString('restart_guard', given.restartGuard, site),
        assumeFresh: input.optionalBoolean('assume_fresh', given.assumeFresh, site),
        hostSilenceMsMax: input.optionalNumber('silence_ms_max', given.hostSilenceMsMax, site),
      },
      this.#onEvent !== undefined,
    )
    if (!(made instanceof NativeClient)) throw errorOf(made, site)
    this.#native = made
  }

  /** The same as `new Client(nodes, options)`. */
  static connect(nodes: readonly string[], options?: ClientOptions): Client {
    return new Client(nodes, options)
  }

  /**
   * The mutex of this name. No I/O. A name that is empty or over 1 KiB is reported by the first call.
   *
   * @throws {InvalidArgumentError} where `name` is not a well-formed string
   */
  mutex(name: string): Mutex {
    const checked = input.string('name', name, callSite(Client.prototype.mutex))
    return mutexOf(this.#native, this, checked)
  }

  /**
   * The lock of several resources at once: all of them or none. No I/O.
   *
   * @throws {InvalidArgumentError} where `names` are no well-formed strings
   */
  multi(names: readonly string[]): Multi {
    const site = callSite(Client.prototype.multi)
    if (!Array.isArray(names)) throw invalid('names', 'must be an array of strings', site)
    const checked = names.map((name, index) => input.string(`names[${index}]`, name, site))
    return new Multi(this.#native, this, checked)
  }

  /**
   * The semaphore of this name, which so many permits may be taken of at a time. No I/O.
   *
   * @throws {InvalidArgumentError} where an argument has the wrong type
   */
  semaphore(name: string, permits: number): Semaphore {
    const site = callSite(Client.prototype.semaphore)
    const checked = input.string('name', name, site)
    return new Semaphore(this.#native, this, checked, input.number('permits', permits, site))
  }

  /**
   * A job of this name that is to be done once within `retentionMs`, 1 s to 366 days. No I/O.
   *
   * @throws {InvalidArgumentError} where an argument has the wrong type
   */
  once(name: string, retentionMs: number): Once {
    const site = callSite(Client.prototype.once)
    const checked = input.string('name', name, site)
    const retention = input.number('once.retention_ms', retentionMs, site)
    return new Once(this.#native, this, checked, retention)
  }

  /**
   * Campaigns for the leadership of `name` from now on, in the background.
   *
   * @throws {InvalidArgumentError | ClientClosedError}
   */
  elect(name: string, options?: ElectOptions): Election {
    const site = callSite(Client.prototype.elect)
    const checked = input.string('name', name, site)
    const given = input.options('elect', options, ELECT_OPTIONS, site)
    const made = this.#native.elect(checked, {
      ttlMs: input.optionalNumber('acquire.ttl_ms', given.ttlMs, site),
      holdMsMax: input.optionalNumber('acquire.hold_ms_max', given.holdMsMax, site),
    })
    if (!(made instanceof NativeElection)) throw errorOf(made, site)
    return new Election(made, this, checked)
  }

  /**
   * Takes over the lock that `ticket` stands for. Exactly one of all who try wins; renewal and a new,
   * larger fencing token begin with it. The ttl is the ticket's unless set.
   *
   * @throws {NotHeldError} where the ticket is used up, in use, or has run out; the message tells
   * @throws {QuorumUnavailableError | LockContendedError | AbortError | ClientClosedError}
   */
  async adopt(ticket: Ticket | string, options?: AcquireOptions): Promise<Guard> {
    const site = callSite(Client.prototype.adopt)
    const { terms, signal } = callOf(options, site)
    const read = ticket instanceof Ticket ? ticket : Ticket.decode(ticket)
    const guard = await call<NativeGuard>(
      site,
      (id) => {
        this.#native.adopt(id, read.encode(), terms)
      },
      { signal, operation: 'adopt', resource: read.resource },
    )
    return guardOf(guard, this, read.resource)
  }

  /**
   * Shows, node by node, who holds `name`: read-only. A node that does not answer is part of the
   * result.
   */
  async inspect(name: string): Promise<Inspection> {
    const site = callSite(Client.prototype.inspect)
    const checked = input.string('name', name, site)
    return call(site, (id) => {
      this.#native.inspect(id, checked)
    })
  }

  /** Checks the nodes before they are relied on. Whatever is wrong with them is part of the report. */
  health(): Promise<Health> {
    return call(callSite(Client.prototype.health), (id) => {
      this.#native.health(id)
    })
  }

  /**
   * What this client did so far. Local, no I/O.
   *
   * @throws {ClientClosedError}
   */
  stats(): Stats {
    const stats = this.#native.stats()
    if ('code' in stats) throw errorOf(stats, callSite(Client.prototype.stats))
    return stats
  }

  /**
   * Closes: later calls fail with ClientClosedError, every lock of this client is released, and what
   * is under way may finish within `limitMs`, 5 s by default. True where all of it did.
   */
  async close(limitMs: number = CLOSE_LIMIT_MS): Promise<boolean> {
    const site = callSite(Client.prototype.close)
    const limit = input.optionalNumber('close.limit_ms', limitMs, site) ?? CLOSE_LIMIT_MS
    return call(site, (id) => {
      this.#native.close(id, limit)
    })
  }

  /** Closes the client at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal */
  hear(event: unknown): void {
    try {
      this.#onEvent?.(event as LockEvent)
    } catch (error) {
      // The listener's own error must not stop what else was delivered with this event.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

function urls(nodes: readonly string[], site: CallSite): string[] {
  if (!Array.isArray(nodes)) throw invalid('nodes', 'must be an array of URLs', site)
  return nodes.map((url, index) => input.string(`nodes[${index}]`, url, site))
}
