// bullmq/index.d.ts
/**
 * Locks that go with BullMQ jobs: taken by the publisher, given back when the work is done.
 *
 * @packageDocumentation
 */
export type { JobLock, Locked } from './locked-data.js';
export { lockedProcessor, type LockedProcessor, type LockedProcessorOptions, type LockedWork, } from './processor.js';
export { addLocked, addWithGuard, type LockedQueue, type PublishOptions } from './publish.js';

// bullmq/locked-data.d.ts
/** What a locked job carries beside its own data. */
export interface JobLock {
    /** The resource that the job locks. */
    readonly resource: string;
    /**
     * The ticket of the held lock, a secret. `null` once the lock was given back without the work
     * being done: whoever takes the job then has to lock afresh.
     */
    readonly ticket: string | null;
}
/** A job's data with its lock. */
export type Locked<T> = T & {
    readonly quorlock: JobLock;
};
/** The lock in `data`. */
export declare function lockOf(data: unknown): JobLock;
/** `data` with another ticket. */
export declare function withTicket<T>(data: Locked<T>, ticket: string | null): Locked<T>;

// bullmq/processor.d.ts
import { type Job } from 'bullmq';
import type { Client } from '../client.js';
import type { Guard } from '../guard.js';
import { type AcquireOptions } from '../mutex.js';
import { type Locked } from './locked-data.js';
/** A job's work. `signal` is aborted when the lock is lost, or BullMQ cancels the job. */
export type LockedWork<T, R> = (job: Job<Locked<T>, R>, guard: Guard, signal: AbortSignal) => Promise<R>;
/** How a job's lock is taken over. */
export interface LockedProcessorOptions {
    /** The terms of the lease, as for `client.adopt`. */
    readonly acquire?: Omit<AcquireOptions, 'signal'> | undefined;
    /**
     * What to do where the ticket has run out, because the job waited longer than its ttl or its last
     * worker died: lock afresh and do the work, or fail the job for good, with an
     * UnrecoverableError whose `cause` is the NotHeldError. `fail` by default.
     */
    readonly whenExpired?: 'acquire' | 'fail' | undefined;
    /** How long a job whose lock another worker holds is put off before it is looked at again: 1 s. */
    readonly busyMs?: number | undefined;
}
/** A BullMQ processor; it needs all three arguments to be told of a cancelled job. */
export type LockedProcessor<T, R> = (job: Job<Locked<T>, R>, token?: string, signal?: AbortSignal) => Promise<R | undefined>;
/**
 * A processor for `new Worker(queue, processor)` that takes a job's lock over, keeps it renewed while
 * `work` runs, and gives it back.
 *
 * - Delivered again after the work was done: nothing is done, the job completes with `undefined`.
 * - Delivered again while another worker is at it: the job is put off and looked at later.
 * - The lock is lost while `work` runs: `signal` is aborted, the job's log says so, and the job fails
 *   with LeaseLostError where `work` returns all the same.
 * - `work` throws: that very error fails the job. Where BullMQ will try again the lock stays with the
 *   job; else it is given back.
 */
export declare function lockedProcessor<T extends object, R>(client: Client, work: LockedWork<T, R>, options?: LockedProcessorOptions): LockedProcessor<T, R>;

// bullmq/publish.d.ts
import type { Job, JobsOptions } from 'bullmq';
import type { Guard } from '../guard.js';
import type { AcquireOptions, Mutex } from '../mutex.js';
import type { Locked } from './locked-data.js';
/** How a locked job is published. */
export interface PublishOptions {
    /**
     * How long the job may stay in its queue, delay included: the ticket is good for so long. The
     * lease's own ttl by default.
     */
    readonly ttlMs?: number | undefined;
    /** BullMQ's own options of the job. */
    readonly job?: JobsOptions | undefined;
}
/** What is needed of a BullMQ queue whose jobs have `Locked<T>` as their data. */
export interface LockedQueue<T> {
    add(name: string, data: Locked<T>, options?: JobsOptions): Promise<Job<Locked<T>>>;
}
/**
 * Locks the resource, and publishes a job that carries the lock to whoever processes it. `null`
 * where somebody else has the lock, which is to say that the work is scheduled or under way already:
 * then nothing is published.
 *
 * From here to the end of the work there is no moment in which the resource is free. Where publishing
 * fails the lock is given back; where the publisher dies, it ends with its ttl.
 */
export declare function addLocked<T extends object>(queue: LockedQueue<T>, mutex: Mutex, name: string, data: T, options?: PublishOptions & {
    readonly acquire?: AcquireOptions | undefined;
}): Promise<Job<Locked<T>> | null>;
/** Publishes a job that carries a lock that is held already; the guard ends here in any case. */
export declare function addWithGuard<T extends object>(queue: LockedQueue<T>, guard: Guard, name: string, data: T, options?: PublishOptions): Promise<Job<Locked<T>>>;

// client.d.ts
import { Election, type ElectOptions } from './election.js';
import { type Guard } from './guard.js';
import { Multi } from './multi.js';
import { type AcquireOptions, type Mutex } from './mutex.js';
import { Once } from './once.js';
import type { Health, Inspection, LockEvent, Stats } from './reports.js';
import { Semaphore } from './semaphore.js';
import { Ticket } from './ticket.js';
/** Options of a {@link Client}; each is checked before any I/O. */
export interface ClientOptions {
    /** How long a lease lives without renewal: 10 ms to 24 h, 10 s by default. */
    readonly ttlMs?: number | undefined;
    /** How long `acquire` waits at most: 30 s by default. */
    readonly waitMs?: number | undefined;
    /** Whether leases are renewed in the background: yes by default. */
    readonly renew?: boolean | undefined;
    /** How long a lease may be held in all, renewals included: 1 h by default. */
    readonly holdMsMax?: number | undefined;
    /** How often a lease may be renewed: 100,000 times by default. */
    readonly renewalsMax?: number | undefined;
    /** How long one node may take to answer: the smaller of 50 ms and a tenth of the ttl by default. */
    readonly nodeTimeoutMs?: number | undefined;
    /** How long making a connection may take, each phase: 1 s by default. */
    readonly connectTimeoutMs?: number | undefined;
    /** What every key begins with: nothing by default. At most 256 bytes, no `{` or `}`. */
    readonly keyPrefix?: string | undefined;
    /** Whether leases carry a fencing token: where the nodes can count, by default. */
    readonly fencing?: 'auto' | 'required' | 'off' | undefined;
    /** How long the nodes remember that a ticket's work is done: 1 h by default. */
    readonly ticketRetentionMs?: number | undefined;
    /** The most callers of this client that may wait at once: 10,000 by default and at most. */
    readonly waitersMax?: number | undefined;
    /** Free text that `inspect` shows beside host, process and language of a holder. */
    readonly owner?: string | undefined;
    /** Certificates to trust for `rediss://`, in PEM, beside the built-in roots. */
    readonly tlsCaPem?: string | undefined;
    /** `false` switches the checks of certificates off: for tests only. */
    readonly tlsVerify?: boolean | undefined;
    /**
     * Whether a node that came back without its data is kept from voting until it is safe: with three nodes
     * or more, by default.
     */
    readonly restartGuard?: 'auto' | 'on' | 'off' | undefined;
    /**
     * Whether a cluster of which every node answers and none has ever been used may be used at once: yes by
     * default; `false` waits for the longest ttl.
     */
    readonly assumeFresh?: boolean | undefined;
    /**
     * How long the event loop may be blocked before its locks are given up, because a dead-locked
     * process would otherwise hold them up to `holdMsMax`: 60 s by default, 100 ms at least.
     */
    readonly hostSilenceMsMax?: number | undefined;
    /** Hears of everything that happens to this client's locks. Does not keep the process alive. */
    readonly onEvent?: ((event: LockEvent) => void) | undefined;
}
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
export declare class Client {
    #private;
    /**
     * @param nodes `redis://`, `rediss://`, `unix://` or `memory://name` URLs, one for each server
     * @throws {InvalidArgumentError | ConfigError} naming the option or `nodes[i]`
     */
    constructor(nodes: readonly string[], options?: ClientOptions);
    /** The same as `new Client(nodes, options)`. */
    static connect(nodes: readonly string[], options?: ClientOptions): Client;
    /**
     * The mutex of this name. No I/O. A name that is empty or over 1 KiB is reported by the first call.
     *
     * @throws {InvalidArgumentError} where `name` is not a well-formed string
     */
    mutex(name: string): Mutex;
    /**
     * The lock of several resources at once: all of them or none. No I/O.
     *
     * @throws {InvalidArgumentError} where `names` are no well-formed strings
     */
    multi(names: readonly string[]): Multi;
    /**
     * The semaphore of this name, which so many permits may be taken of at a time. No I/O.
     *
     * @throws {InvalidArgumentError} where an argument has the wrong type
     */
    semaphore(name: string, permits: number): Semaphore;
    /**
     * A job of this name that is to be done once within `retentionMs`, 1 s to 366 days. No I/O.
     *
     * @throws {InvalidArgumentError} where an argument has the wrong type
     */
    once(name: string, retentionMs: number): Once;
    /**
     * Campaigns for the leadership of `name` from now on, in the background.
     *
     * @throws {InvalidArgumentError | ClientClosedError}
     */
    elect(name: string, options?: ElectOptions): Election;
    /**
     * Takes over the lock that `ticket` stands for. Exactly one of all who try wins; renewal and a new,
     * larger fencing token begin with it. The ttl is the ticket's unless set.
     *
     * @throws {NotHeldError} where the ticket is used up, in use, or has run out; the message tells
     * @throws {QuorumUnavailableError | LockContendedError | AbortError | ClientClosedError}
     */
    adopt(ticket: Ticket | string, options?: AcquireOptions): Promise<Guard>;
    /**
     * Shows, node by node, who holds `name`: read-only. A node that does not answer is part of the
     * result.
     */
    inspect(name: string): Promise<Inspection>;
    /** Checks the nodes before they are relied on. Whatever is wrong with them is part of the report. */
    health(): Promise<Health>;
    /**
     * What this client did so far. Local, no I/O.
     *
     * @throws {ClientClosedError}
     */
    stats(): Stats;
    /**
     * Closes: later calls fail with ClientClosedError, every lock of this client is released, and what
     * is under way may finish within `limitMs`, 5 s by default. True where all of it did.
     */
    close(limitMs?: number): Promise<boolean>;
    /** Closes the client at the end of an `await using` block. */
    [Symbol.asyncDispose](): Promise<void>;
}

// election.d.ts
import { type QuorlockError } from './errors.js';
import { type Guard } from './guard.js';
import type { Released } from './reports.js';
/** Options of {@link Client.elect}. */
export interface ElectOptions {
    /** How long a leader's lease lives without renewal, which is always done. */
    readonly ttlMs?: number | undefined;
    /** How long a tenure may last, where leaders are to take turns. */
    readonly holdMsMax?: number | undefined;
}
/** Options of {@link Election.won}. */
export interface WonOptions {
    /** How long to wait at most, in milliseconds; for as long as it takes unless given. */
    readonly limitMs?: number | undefined;
    /** Gives up waiting when aborted; the candidate goes on. */
    readonly signal?: AbortSignal | undefined;
}
/**
 * A candidate for the leadership of one name, from {@link Client.elect}.
 *
 * It campaigns in the background, holds the mutex of that name for as long as this object lives, and
 * campaigns again where it was lost. {@link Election.resign}, the end of an `await using` block and closing
 * the client hand over at once; so does being collected as garbage, but do not rely on when. No limit of
 * ordinary locks ends a tenure; `holdMsMax` does, where leaders are to take turns. It does not keep the
 * process alive.
 *
 * ```ts
 * const election = client.elect('scheduler')
 * const tenure = await election.won()
 * while (tenure.isHeld) await schedule(tenure.fencingToken)
 * await election.resign()
 * ```
 */
export declare class Election {
    #private;
    /** The name that is led. */
    readonly name: string;
    /** True where this candidate leads at this moment. Local; true also right after a pause. */
    get isLeader(): boolean;
    /**
     * The present tenure's fencing token, larger than every earlier one's; `null` where this candidate
     * does not lead, or tokens are not to be had. Local.
     */
    get fencingToken(): number | null;
    /** Why it could not be elected lately, if so: servers out of reach, say. It goes on. Local. */
    get trouble(): QuorlockError | null;
    /**
     * Waits until this candidate leads, and gives a guard of the tenure. The guard hears of the tenure's
     * end and has its fencing token; releasing it does not end the tenure, and it cannot be handed over.
     *
     * @throws {LockTimeoutError} where it was not elected within `limitMs`
     * @throws {NotHeldError} where it was resigned
     * @throws {AbortError | InvalidArgumentError | ClientClosedError}
     */
    won(options?: WonOptions): Promise<Guard>;
    /**
     * Who leads, as `host/pid/language/text`; `null` where nobody does.
     *
     * @throws {QuorumUnavailableError | ClientClosedError}
     */
    leader(): Promise<string | null>;
    /**
     * Stops being a candidate, and hands over at once where this one leads; the tenure's guards are lost
     * as `resigned`. Where there was nothing to give back the result is `already_expired`.
     */
    resign(): Promise<Released>;
    /** Resigns at the end of an `await using` block. */
    [Symbol.asyncDispose](): Promise<void>;
}

// errors.d.ts
import type { Failure } from '../native/index.js';
import type { LossReason, NodeOutcome } from './reports.js';
/** Where a call was made, for the stack of an error that is found later. */
export interface CallSite {
    stack?: string;
}
/** Remembers the caller of `entry`, the public function that was called. */
export declare function callSite(entry: object): CallSite;
/** The stable code of an error; `ABORT_ERR` is Node's own code for what an AbortSignal ended. */
export type ErrorCode = 'QUORLOCK_CONTENDED' | 'QUORLOCK_TIMEOUT' | 'QUORLOCK_QUORUM_UNAVAILABLE' | 'QUORLOCK_LEASE_LOST' | 'QUORLOCK_NOT_HELD' | 'ABORT_ERR' | 'QUORLOCK_INVALID_ARGUMENT' | 'QUORLOCK_INVALID_CONFIG' | 'QUORLOCK_CLOSED' | 'QUORLOCK_FORKED' | 'QUORLOCK_PROTOCOL' | 'QUORLOCK_INTERNAL';
/** What an error tells beside its message. */
export interface ErrorDetails {
    readonly code: ErrorCode;
    readonly isRetryable?: boolean;
    readonly field?: string | null;
    readonly resource?: string | null;
    readonly operation?: string | null;
    readonly attempts?: number;
    readonly elapsedMs?: number;
    readonly outcomes?: readonly NodeOutcome[];
    readonly cause?: unknown;
}
/**
 * Every error of this package. Tell them apart by `code` or by class; the stack is that of the call
 * that failed. Neither message nor fields hold a password, a token or a server's own text.
 */
export declare class QuorlockError extends Error {
    /** The stable code of this kind of error. */
    readonly code: ErrorCode;
    /** True where the same call, made again later, can succeed with nothing else changed. */
    readonly isRetryable: boolean;
    /** The path of the argument or option that is wrong, such as `acquire.ttl_ms` or `nodes[2]`. */
    readonly field: string | null;
    /** The resource the operation was about. */
    readonly resource: string | null;
    /** The operation, such as `acquire`. */
    readonly operation: string | null;
    /** How many rounds were tried. */
    readonly attempts: number;
    /** How long the operation ran, in milliseconds. */
    readonly elapsedMs: number;
    /** What each node said in the last round; empty where no node was asked. */
    readonly outcomes: readonly NodeOutcome[];
    constructor(message: string, details: ErrorDetails);
}
/** Somebody else holds the lock and the call did not wait. */
export declare class LockContendedError extends QuorlockError {
}
/** The wait ended before the lock became free. */
export declare class LockTimeoutError extends QuorlockError {
}
/** Too few nodes answered, so nobody can tell who holds the lock. */
export declare class QuorumUnavailableError extends QuorlockError {
}
/** The lock was lost while it was in use: stop, somebody else may have it. */
export declare class LeaseLostError extends QuorlockError {
    /** Why it was lost. */
    readonly loss: LossReason | null;
    constructor(message: string, details: ErrorDetails & {
        readonly loss?: LossReason | null;
    });
}
/** The caller does not hold what it wants to change: released, handed over, or a used ticket. */
export declare class NotHeldError extends QuorlockError {
    /**
     * Why a ticket was refused. `spent`: it was used and its work is done, so a duplicate can stop.
     * `adopted`: somebody holds the lock now. `expired`: its lease has run out or was released, so the
     * lock can be acquired afresh. `null` where no ticket was refused.
     */
    get ticketState(): 'spent' | 'adopted' | 'expired' | null;
}
/** The call was given up through its AbortSignal; `cause` is the signal's reason. */
export declare class AbortError extends QuorlockError {
}
/** An argument is outside its bounds or of the wrong type; nothing was sent. */
export declare class InvalidArgumentError extends QuorlockError {
}
/** The client's configuration is wrong, or the servers contradict it. */
export declare class ConfigError extends QuorlockError {
}
/** The client was closed. */
export declare class ClientClosedError extends QuorlockError {
}
/** A server broke the protocol. */
export declare class ProtocolError extends QuorlockError {
}
/** A bug in Quorlock. */
export declare class InternalError extends QuorlockError {
}
/** The class of each code of the engine's table. */
export declare const CLASSES: Readonly<Record<string, typeof QuorlockError>>;
/** The error of a failed call, with the stack of `site`. */
export declare function errorOf(failure: Failure, site: CallSite, more?: {
    readonly cause?: unknown;
    readonly loss?: string | null;
}): QuorlockError;
/** A wrong argument, refused before the engine is asked. */
export declare function invalid(field: string, message: string, site: CallSite): InvalidArgumentError;
/** A call that its AbortSignal ended. */
export declare function aborted(operation: string, resource: string, signal: AbortSignal, site: CallSite): AbortError;

// guard.d.ts
import { inspect } from 'node:util';
import { NativeGuard } from '../native/index.js';
import type { Client } from './client.js';
import type { LossReason, Released } from './reports.js';
import { Ticket } from './ticket.js';
/** Options of {@link Guard.detach}. */
export interface DetachOptions {
    /**
     * How long the job may stay in its queue: the ticket is good for so long from now. 10 ms to 24 h;
     * the lease's own ttl by default, and where that is longer.
     */
    readonly ttlMs?: number | undefined;
}
/**
 * A held lock, the only thing here that has state.
 *
 * The engine renews it in the background, also while the event loop is blocked, until it is
 * released, handed over, lost, or the cap on its hold time is reached. A guard that is collected as
 * garbage is released in the background; do not rely on when.
 */
export declare class Guard {
    #private;
    /** The resource this lock is for. */
    readonly resource: string;
    private constructor();
    /** The client this lock was acquired with. */
    get client(): Client;
    /**
     * True where the lock may be used at this moment. Local and synchronous; it tells the truth also
     * right after the event loop was blocked, whether or not the loss was signalled yet.
     */
    get isHeld(): boolean;
    /** How long the lock may still be used unless it is renewed, in milliseconds; 0 once it may not. */
    get remainingMs(): number;
    /**
     * The fencing token: hand it to every store you write to. It grows with each holder and stays
     * below 2^53. `null` where fencing is off or a majority of the nodes cannot count.
     */
    get fencingToken(): number | null;
    /** True where this lock came by a ticket, without a gap since the publisher acquired it. */
    get isAdopted(): boolean;
    /** True where this lock is of a job that is done once: releasing it says that it is done. */
    get isOnce(): boolean;
    /** The resources this lock is for: one, or those of a multi-resource lock. */
    get resources(): readonly string[];
    /** The slots of a semaphore that are held, each below its limit; empty for any other lock. */
    get slots(): readonly number[];
    /** Why the lock was lost; `null` where it was not. */
    get loss(): LossReason | null;
    /**
     * Aborted once when the lock is lost, with a {@link LeaseLostError} as its reason; never where it
     * is released or handed over first. Hand it to whatever does the work.
     */
    get signal(): AbortSignal;
    /**
     * Throws where the lock may not be used now. Put it before each step that needs the lock.
     *
     * @throws {LeaseLostError} where it was lost
     * @throws {NotHeldError} where it was released or handed over
     */
    check(): void;
    /**
     * One more guard of the same lock, for the same owner: a part of the work that locks for itself gets
     * it from whoever has the lock already. Local.
     *
     * Each guard is released by itself; the lock is given back with the last one, whose release says
     * whether the work is done. An inner release is `still_held`. A loss reaches all.
     *
     * @throws {LeaseLostError} where it was lost
     * @throws {NotHeldError} where this guard was released or the lock handed over
     */
    reenter(): Guard;
    /**
     * Renews the lock now, beside the background renewal.
     *
     * @throws {LeaseLostError} where it is lost
     * @throws {NotHeldError} where it was released or handed over
     * @throws {QuorumUnavailableError} where too few nodes confirmed in time; the old validity stands
     */
    extend(): Promise<void>;
    /**
     * Gives the lock back on every node, in one round, within one node timeout. It may be called
     * again, and tells the same each time.
     *
     * @throws {NotHeldError} where the lock was handed over. That the lease had expired, or that too
     * few nodes answered, is a result and not an error.
     */
    release(): Promise<Released>;
    /**
     * Gives the lock back, and makes sure that it counts, as a job that is done once wants to know.
     *
     * @throws {LeaseLostError} where the lease was gone before
     * @throws {QuorumUnavailableError} where too few nodes confirmed in time; they are told further
     * @throws {NotHeldError} where the lock was handed over
     */
    complete(): Promise<void>;
    /**
     * Gives the lock back in the background, without saying that the work is done: a ticket that the
     * lock came by is not used up, so that a redelivery of the job may go on. For work that failed.
     * Does nothing once the lock is released or handed over.
     */
    abandon(): void;
    /**
     * Hands the lock over: the guard ends here, and whoever adopts the ticket goes on with it. Nothing
     * renews the lock until it is adopted.
     *
     * @throws {LeaseLostError} where it is lost
     * @throws {NotHeldError} where it was released or handed over
     * @throws {QuorumUnavailableError} where too few nodes confirmed; the guard still holds the lock
     * @throws {InvalidArgumentError} where `ttlMs` is out of bounds
     */
    detach(options?: DetachOptions): Promise<Ticket>;
    /**
     * Releases the lock at the end of an `await using` block, unless it was handed over. A block may end by
     * an exception, so a job that is done once is done only where it was released before.
     */
    [Symbol.asyncDispose](): Promise<void>;
    [inspect.custom](): string;
}
/** The guard of a lock that the engine won. */
export declare function guardOf(native: NativeGuard, client: Client, resource: string): Guard;

// index.d.ts
/**
 * Distributed locks over independent Redis or Valkey servers.
 *
 * @packageDocumentation
 */
export { Client, type ClientOptions } from './client.js';
export { Election, type ElectOptions, type WonOptions } from './election.js';
export { AbortError, ClientClosedError, ConfigError, InternalError, InvalidArgumentError, LeaseLostError, LockContendedError, LockTimeoutError, NotHeldError, ProtocolError, QuorlockError, QuorumUnavailableError, type ErrorCode, } from './errors.js';
export { Guard, type DetachOptions } from './guard.js';
export { Lock } from './lock.js';
export { Multi } from './multi.js';
export { Mutex, type AcquireOptions, type Work } from './mutex.js';
export { Once } from './once.js';
export type { Fault, FaultClass, Health, HealthWarning, Inspection, LockEvent, LossReason, NodeHealth, NodeOutcome, NodeStatus, NodeView, Released, Stats, } from './reports.js';
export { Semaphore, type PermitOptions } from './semaphore.js';
export { Ticket } from './ticket.js';

// lock.d.ts
import type { NativeClient, NativeTerms } from '../native/index.js';
import { type Guard } from './guard.js';
import { type AcquireOptions, type Work } from './mutex.js';
/** Begins to take a lock under the number `id`; without waiting, where it is told so. */
export type Take = (native: NativeClient, id: number, terms: NativeTerms | undefined, waits: boolean) => void;
/** What is common to locks of more than one resource or holder. */
export declare abstract class Lock<Options extends AcquireOptions> {
    #private;
    /**
     * Takes the lock, waiting for it; as {@link Mutex.acquire}.
     *
     * @throws {LockTimeoutError} where it cannot be had for all the wait
     * @throws {LockContendedError} where it cannot be had and `waitMs` is 0
     * @throws {QuorumUnavailableError} where too few nodes answered
     * @throws {AbortError} where `signal` is aborted first
     * @throws {InvalidArgumentError | ConfigError | ClientClosedError}
     */
    acquire(options?: Options): Promise<Guard>;
    /**
     * Takes the lock if it can be had at once; `null` where it cannot.
     *
     * @throws as {@link Lock.acquire}, without LockTimeoutError and LockContendedError
     */
    tryAcquire(options?: Options): Promise<Guard | null>;
    /**
     * Runs `work` under the lock and releases it whatever comes of it, as {@link Mutex.using}.
     *
     * @throws {LeaseLostError} where the lock was lost before `work` returned
     * @throws as {@link Lock.acquire}
     */
    using<T>(work: Work<T>): Promise<T>;
    using<T>(options: Options | undefined, work: Work<T>): Promise<T>;
}

// multi.d.ts
import { Lock } from './lock.js';
import type { AcquireOptions } from './mutex.js';
/**
 * A lock on several resources that are taken and given back together.
 *
 * Each is the very lock that the mutex of its name is, and excludes it. All are asked for in one round
 * and have one guard, one renewal and one fencing token. A caller that waits holds nothing meanwhile, so
 * the order of the names does not matter. No name, more than 64, or one twice is reported by the first
 * call. Making one does no I/O.
 *
 * ```ts
 * await client.multi(['account:1', 'account:2']).using(async (guard) => {
 *   await transfer(guard.resources, guard.fencingToken)
 * })
 * ```
 */
export declare class Multi extends Lock<AcquireOptions> {
    /** The resources' names as they were given. */
    readonly names: readonly string[];
}

// mutex.d.ts
import type { NativeClient, NativeTerms } from '../native/index.js';
import type { Client } from './client.js';
import { type CallSite } from './errors.js';
import { type Guard } from './guard.js';
/** What one call may set apart from the client's own options. */
export interface AcquireOptions {
    /** How long the lease lives without renewal, in milliseconds: 10 ms to 24 h. */
    readonly ttlMs?: number | undefined;
    /** How long to wait for the lock at most, in milliseconds; 0 means one try. */
    readonly waitMs?: number | undefined;
    /** Whether the lease is renewed in the background until it is released. */
    readonly renew?: boolean | undefined;
    /** How long the lease may be held in all, in milliseconds; there it ends and is lost. */
    readonly holdMsMax?: number | undefined;
    /** Gives up waiting when aborted: nothing is left behind. */
    readonly signal?: AbortSignal | undefined;
}
/** What the engine is told, and the signal that stays on this side. */
export interface Call {
    readonly terms: NativeTerms | undefined;
    readonly signal: AbortSignal | undefined;
}
/** `options` with every type checked. */
export declare function callOf(options: AcquireOptions | undefined, site: CallSite): Call;
/** Work done under a lock. */
export type Work<T> = (guard: Guard, signal: AbortSignal) => T | PromiseLike<T>;
/**
 * A lock that one holder has at a time, over all processes that use the same nodes and key.
 *
 * Making one does no I/O and keeps nothing: make it where you need it, or keep it.
 */
export declare class Mutex {
    #private;
    /** The resource's name. */
    readonly name: string;
    private constructor();
    /**
     * Takes the lock, waiting for it: first in, first out over all processes.
     *
     * @throws {LockTimeoutError} where somebody else has it for all the wait
     * @throws {LockContendedError} where somebody else has it and `waitMs` is 0
     * @throws {QuorumUnavailableError} where too few nodes answered
     * @throws {AbortError} where `signal` is aborted first
     * @throws {InvalidArgumentError | ConfigError | ClientClosedError}
     */
    acquire(options?: AcquireOptions): Promise<Guard>;
    /**
     * Takes the lock if it can be had at once; `null` where somebody else has it.
     *
     * @throws as {@link Mutex.acquire}, without LockTimeoutError and LockContendedError
     */
    tryAcquire(options?: AcquireOptions): Promise<Guard | null>;
    /**
     * Runs `work` under the lock and releases it whatever comes of it. What `work` returns or throws
     * is passed on as it is. `work` gets the guard and a signal that is aborted if the lock is lost.
     *
     * ```ts
     * const sum = await client.mutex('sum').using(async (guard, signal) => {
     *   const response = await fetch(url, { signal })
     *   guard.check()
     *   return response.status
     * })
     * ```
     *
     * @throws {LeaseLostError} where the lock was lost before `work` returned
     * @throws as {@link Mutex.acquire}
     */
    using<T>(work: Work<T>): Promise<T>;
    using<T>(options: AcquireOptions | undefined, work: Work<T>): Promise<T>;
}
/**
 * Runs `work` while `guard` is held and releases it whatever comes of it; rejects with LeaseLostError
 * where it was lost before `work` returned.
 */
export declare function hold<T>(guard: Guard, work: () => T | PromiseLike<T>): Promise<T>;
/** The mutex `name` of `client`. */
export declare function mutexOf(native: NativeClient, client: Client, name: string): Mutex;

// nestjs-bullmq/index.d.ts
/**
 * Locks that go with BullMQ jobs, for NestJS.
 *
 * @packageDocumentation
 */
import { WorkerHost } from '@nestjs/bullmq';
import type { OnModuleDestroy } from '@nestjs/common';
import type { Job } from 'bullmq';
import { type LockedProcessorOptions } from '../bullmq/processor.js';
import type { Locked } from '../bullmq/locked-data.js';
import type { Client } from '../client.js';
import type { Guard } from '../guard.js';
/**
 * A `@Processor()` whose jobs come with their lock: it is taken over, renewed, and given back around
 * {@link work}, as {@link lockedProcessor} describes. `currentGuard()` works in all that it calls.
 *
 * ```ts
 * @Processor('payments')
 * export class PaymentsProcessor extends LockedWorkerHost<Order, Receipt> {
 *   constructor(client: Client) {
 *     super(client, { whenExpired: 'acquire' })
 *   }
 *
 *   async work(job: Job<Locked<Order>>, guard: Guard, signal: AbortSignal): Promise<Receipt> {
 *     return this.bank.charge(job.data, guard.fencingToken, signal)
 *   }
 * }
 * ```
 *
 * When the application shuts down, jobs that run are waited for before the client closes.
 */
export declare abstract class LockedWorkerHost<T extends object, R> extends WorkerHost implements OnModuleDestroy {
    #private;
    constructor(client: Client, options?: LockedProcessorOptions);
    /** Does the work of one job while its lock is held. */
    protected abstract work(job: Job<Locked<T>, R>, guard: Guard, signal: AbortSignal): Promise<R>;
    /** Called by BullMQ. */
    process(job: Job<Locked<T>, R>, token?: string, signal?: AbortSignal): Promise<R | undefined>;
    /** Waits for the jobs that run, and takes no more. */
    onModuleDestroy(): Promise<void>;
}

// nestjs/current-guard.d.ts
import type { Client } from '../client.js';
import type { Guard } from '../guard.js';
/**
 * The guard of the innermost `@Locked()` method or locked job that led here, also in what it calls:
 * its fencing token for every write, its signal for whatever can be aborted.
 *
 * @throws {NotHeldError} outside of one
 */
export declare function currentGuard(): Guard;
/** Runs `work` with `guard` as its current one. */
export declare function withGuard<T>(guard: Guard, work: () => T): T;
/** True where a call that led here holds `resource` already, so that waiting for it never ends. */
export declare function isHeldHere(client: Client, resource: string): boolean;

// nestjs/health.d.ts
import { Client } from '../client.js';
/** One entry of a health check's result, in the shape `@nestjs/terminus` takes. */
export type QuorlockHealthResult = Record<string, {
    readonly status: 'up' | 'down';
    /** Votes that make a majority. */
    readonly quorum: number;
    readonly nodes: number;
    readonly reachable: number;
    /** What is worth a look, such as a server that may evict locks. */
    readonly warnings: readonly string[];
}>;
/**
 * Tells whether locks can be had: up while a majority of the nodes can be reached.
 *
 * ```ts
 * health.check([() => this.quorlock.isHealthy('locks')])
 * ```
 *
 * For a client with a name: `new QuorlockHealthIndicator(client)`.
 */
export declare class QuorlockHealthIndicator {
    private readonly client;
    constructor(client: Client);
    /** The client's health under `key`; it does not throw where locks cannot be had. */
    isHealthy(key?: string): Promise<QuorlockHealthResult>;
}

// nestjs/index.d.ts
/**
 * Quorlock for NestJS: a module, a decorator, a health indicator.
 *
 * @packageDocumentation
 */
export { currentGuard } from './current-guard.js';
export { QuorlockHealthIndicator, type QuorlockHealthResult } from './health.js';
export { Locked, type LockedOptions, type LockKey } from './locked.js';
export { QuorlockModule } from './module.js';
export type { QuorlockAsyncOptions, QuorlockNaming, QuorlockOptions, QuorlockOptionsFactory, } from './options.js';
export { QuorlockTestingModule } from './testing.js';
export { InjectQuorlock, quorlockToken } from './tokens.js';

// nestjs/locked.d.ts
import 'reflect-metadata';
import { type AcquireOptions } from '../mutex.js';
/** A resource's name, made of a method's arguments. */
export type LockKey<Args extends readonly unknown[]> = string | ((...args: Args) => string);
/** Options of {@link Locked}. */
export interface LockedOptions<Args extends readonly unknown[]> extends Omit<AcquireOptions, 'signal'> {
    /**
     * The resource: a function of the arguments, or text in which `{0}` is the first argument and
     * `{1.order.id}` a property of the second.
     */
    readonly key: LockKey<Args>;
    /** Which client: the one without a name by default. */
    readonly client?: string | undefined;
    /**
     * What to do where somebody else has the lock: wait for it, or do not run the method at all and
     * resolve with `undefined`, as for a job that another instance is at. `wait` by default.
     */
    readonly whenHeld?: 'wait' | 'skip' | undefined;
}
/** A method that can be locked: one that returns a promise. */
type Method<Args extends readonly any[]> = (...args: Args) => Promise<any>;
/** What decorates a {@link Method}. */
type MethodOnly<Args extends readonly any[]> = <M extends Method<Args>>(target: object, property: string | symbol, descriptor: TypedPropertyDescriptor<M>) => void;
/**
 * Runs the method under a lock of a client that Nest injects, and gives the lock back whatever comes
 * of it. What the method returns or throws is passed on as it is; where the lock was lost before the
 * method ended, the call rejects with LeaseLostError. {@link currentGuard} gives the guard.
 *
 * ```ts
 * @Locked({ key: (order: Order) => `payment:${order.id}`, ttlMs: 20_000 })
 * async charge(order: Order): Promise<Receipt> {
 *   const { fencingToken, signal } = currentGuard()
 *   …
 * }
 * ```
 */
export declare function Locked<Args extends readonly any[]>(options: LockedOptions<Args> | string): MethodOnly<Args>;
export {};

// nestjs/module.d.ts
import { type DynamicModule } from '@nestjs/common';
import type { QuorlockAsyncOptions, QuorlockNaming, QuorlockOptions } from './options.js';
/**
 * Makes a client and closes it when the application shuts down: after requests and jobs have ended,
 * or their time is up, every lock is given back.
 *
 * ```ts
 * @Module({ imports: [QuorlockModule.forRoot({ nodes: ['redis://a', 'redis://b', 'redis://c'] })] })
 * export class AppModule {}
 * ```
 *
 * Signals end an application in this order only after `app.enableShutdownHooks()`.
 */
export declare class QuorlockModule {
    /** A client with these options. */
    static forRoot(options: QuorlockOptions & QuorlockNaming): DynamicModule;
    /** A client with options that something injected makes. */
    static forRootAsync(options: QuorlockAsyncOptions): DynamicModule;
}

// nestjs/options.d.ts
import type { ModuleMetadata, Type } from '@nestjs/common';
import type { ClientOptions } from '../client.js';
/** What makes a client: its nodes, its options, and how long a shutdown waits for its locks. */
export interface QuorlockOptions extends ClientOptions {
    /** `redis://`, `rediss://`, `unix://` or `memory://name` URLs, one for each server. */
    readonly nodes: readonly string[];
    /**
     * How long a shutdown waits for `@Locked()` methods and locked jobs that still run before their
     * locks are given back: 5 s by default.
     */
    readonly shutdownMs?: number | undefined;
}
/** Which client a module makes, and who sees it. */
export interface QuorlockNaming {
    /** The client's name for `@InjectQuorlock(name)`; the client without a name by default. */
    readonly name?: string | undefined;
    /** Whether every module can inject the client: yes by default. */
    readonly isGlobal?: boolean | undefined;
}
/** Makes the options of a client, for `useClass` and `useExisting`. */
export interface QuorlockOptionsFactory {
    createQuorlockOptions(): QuorlockOptions | Promise<QuorlockOptions>;
}
/** Options that are made by something injected, such as a config service. */
export interface QuorlockAsyncOptions extends QuorlockNaming, Pick<ModuleMetadata, 'imports'> {
    readonly useFactory?: (...injected: any[]) => QuorlockOptions | Promise<QuorlockOptions>;
    readonly inject?: Extract<NonNullable<ModuleMetadata['providers']>[number], {
        inject?: unknown;
    }>['inject'];
    readonly useClass?: Type<QuorlockOptionsFactory>;
    readonly useExisting?: Type<QuorlockOptionsFactory>;
}

// nestjs/testing.d.ts
import { type DynamicModule } from '@nestjs/common';
import type { ClientOptions } from '../client.js';
import type { QuorlockNaming } from './options.js';
/**
 * For tests: a client on an embedded node of its own, so that no server is needed and no test sees
 * another's locks. Everything else is as with {@link QuorlockModule}.
 *
 * ```ts
 * const app = await Test.createTestingModule({
 *   imports: [QuorlockTestingModule.forRoot()],
 *   providers: [PaymentsService],
 * }).compile()
 * ```
 */
export declare class QuorlockTestingModule {
    static forRoot(options?: ClientOptions & QuorlockNaming): DynamicModule;
}

// nestjs/tokens.d.ts
import { Client } from '../client.js';
/** What a client is provided under: its class where it has no name. */
export declare function quorlockToken(name?: string): typeof Client | string;
/**
 * Injects the client of this name, or the one without a name; that one can also be injected by its
 * type, `Client`.
 */
export declare function InjectQuorlock(name?: string): PropertyDecorator & ParameterDecorator;

// once.d.ts
import { type Guard } from './guard.js';
import { type AcquireOptions, type Work } from './mutex.js';
/**
 * A job that is to be done once, whoever comes to do it: within the retention no other process that
 * uses the same nodes and name begins it again.
 *
 * It is done under the mutex of its name. Releasing the guard says that it is done; abandoning it,
 * losing it and dying do not, and the next one who comes begins it anew. The nodes remember for the
 * retention, counted from the release; a majority decides. Making one does no I/O.
 *
 * ```ts
 * const report = client.once('report:2026-11-24', 24 * 60 * 60 * 1000)
 * const guard = await report.begin()
 * if (guard !== null) {
 *   await write(guard.fencingToken)
 *   await guard.release() // done; guard.abandon() where it failed
 * }
 * ```
 */
export declare class Once {
    #private;
    /** The job's name. */
    readonly name: string;
    /** How long the nodes remember that it is done, in milliseconds. */
    readonly retentionMs: number;
    /**
     * A guard where the job is to be done here, `null` where it is done already. Somebody else who is at
     * it is waited for.
     *
     * @throws {LockTimeoutError} where somebody else is at it for all the wait
     * @throws {LockContendedError} where somebody else is at it and `waitMs` is 0
     * @throws {QuorumUnavailableError} where too few nodes answered
     * @throws {AbortError} where `signal` is aborted first
     * @throws {InvalidArgumentError | ConfigError | ClientClosedError}
     */
    begin(options?: AcquireOptions): Promise<Guard | null>;
    /**
     * Runs `work` unless the job is done already. What `work` returns says that it is done; where it
     * throws, the job is left to somebody else. True where it ran here, false where it was done.
     *
     * @throws {LeaseLostError} where the lock was lost before the nodes were told
     * @throws {QuorumUnavailableError} also where too few nodes could be told: it may be done again
     * @throws as {@link Once.begin}
     */
    run(work: Work<unknown>): Promise<boolean>;
    run(options: AcquireOptions | undefined, work: Work<unknown>): Promise<boolean>;
    /**
     * True where the job is done. It may be begun by somebody right after the answer.
     *
     * @throws {QuorumUnavailableError | InvalidArgumentError | ClientClosedError}
     */
    isDone(): Promise<boolean>;
}

// reports.d.ts
/** What one node said in an operation. */
export interface NodeOutcome {
    /** The node's address without user, password or query. */
    readonly node: string;
    /** What it said. */
    readonly status: NodeStatus;
    /** Why it could not serve, where `status` is `faulted`. */
    readonly fault: FaultClass | null;
    /** The fault in a few words. */
    readonly detail: string | null;
    /** From sending to the answer, or to the end of waiting for one, in milliseconds. */
    readonly elapsedMs: number;
}
export type NodeStatus = 'granted' | 'held_by_another' | 'queued' | 'missing' | 'spent' | 'faulted' | 'unheard' | 'not_asked';
export type FaultClass = 'unreachable' | 'disconnected' | 'timeout' | 'stalled' | 'transient' | 'operator' | 'permission' | 'topology' | 'unsupported' | 'foreign_format' | 'protocol' | 'tls' | 'unknown' | 'closed' | 'guarded';
/** A node's failure to serve a command. */
export interface Fault {
    readonly class: FaultClass;
    readonly detail: string;
}
/** Why a lock was lost. */
export type LossReason = 'majority' | 'expired' | 'hold_limit' | 'renewal_limit' | 'host_silent' | 'resigned';
/** What became of a release. */
export interface Released {
    /**
     * `released`: a majority gave the key back. `already_expired`: there was nothing left to give back.
     * `still_held`: other guards of the lock are left, see `Guard.reenter`.
     * `unknown`: too few nodes answered; the engine goes on releasing until they do or the ttl ends.
     */
    readonly result: 'released' | 'already_expired' | 'still_held' | 'unknown';
    /** The nodes that did not answer, where the result is `unknown`. */
    readonly nodes: readonly NodeOutcome[];
}
/** Who holds a resource, node by node. */
export interface Inspection {
    readonly resource: string;
    /** `host/pid/language/text` of the owner that a majority shows, `foreign` for another library's. */
    readonly holder: string | null;
    /** Votes that make a majority. */
    readonly quorum: number;
    readonly nodes: readonly NodeView[];
}
/** What one node shows of a resource. */
export interface NodeView {
    readonly node: string;
    readonly owner: string | null;
    /** How long the key still lives, in milliseconds. */
    readonly remainingMs: number | null;
    readonly fencingCounter: number | null;
    /** Waiters in the queue there; `null` where the user may not ask. */
    readonly waiters: number | null;
    /** Why the node did not answer, if it did not. */
    readonly fault: Fault | null;
}
/** What is known of the nodes, and what is wrong with them. */
export interface Health {
    /** True where a majority can be reached: locks can be had. */
    readonly hasQuorum: boolean;
    readonly quorum: number;
    readonly nodes: readonly NodeHealth[];
    /** Everything worth a look, most serious first. */
    readonly warnings: readonly HealthWarning[];
}
/** What one node says of itself, as far as its user may ask. */
export interface NodeHealth {
    readonly node: string;
    readonly fault: Fault | null;
    readonly roundTripMs: number;
    /** `redis`, `valkey` or `memory`. */
    readonly server: string | null;
    readonly version: string | null;
    /** `standalone`, `cluster` or `sentinel`. */
    readonly mode: string | null;
    /** `master` or `slave`. */
    readonly role: string | null;
    readonly appendOnly: boolean | null;
    readonly eviction: string | null;
    readonly replicas: number | null;
    /** How long its answers do not count, where it came back without its data. */
    readonly guardedMs: number | null;
}
/** One thing worth a look. */
export interface HealthWarning {
    readonly name: 'same_server' | 'not_primary' | 'mode' | 'evicts' | 'guarded' | 'unguarded' | 'no_persistence' | 'unreachable' | 'even_nodes' | 'no_spare';
    readonly message: string;
}
/** What one client did since it was made. */
export interface Stats {
    readonly acquired: number;
    /** Tries that found somebody else holding the lock. */
    readonly contended: number;
    readonly failed: number;
    readonly renewed: number;
    readonly lost: number;
    readonly released: number;
    readonly detached: number;
    readonly adopted: number;
    /** Nodes that could not serve their part of a failed call. */
    readonly nodeFaults: number;
    /** Rounds it took to win, in all. */
    readonly rounds: number;
    /** Time from the call to the lock, over all locks won. */
    readonly waitedMs: number;
    /** Time locks were held, over all given back. */
    readonly heldMs: number;
    /** The least validity that was left when a renewal was confirmed; `null` before the first. */
    readonly renewalMarginMsMin: number | null;
}
/** One thing that happened to a lock of a client. */
export interface LockEvent {
    readonly kind: 'acquired' | 'contended' | 'failed' | 'renewed' | 'lost' | 'released' | 'detached' | 'adopted' | 'guarded' | 'admitted';
    /** The resource; empty where it is about a node. */
    readonly resource: string;
    /**
     * `failed`: the error's code. `lost`: the reason. `released`: `released`, `already_expired` or
     * `unknown`. `detached`: the ticket's id. `guarded`, `admitted`: the node. Else empty.
     */
    readonly detail: string;
    /**
     * `acquired`, `adopted`, `failed`: time since the call. `renewed`: validity that was left.
     * `released`: how long the lock was held. `guarded`: until the node votes. Else 0.
     */
    readonly spanMs: number;
    /** Rounds tried; 0 where there are none. */
    readonly attempts: number;
}

// semaphore.d.ts
import { Lock } from './lock.js';
import { type AcquireOptions } from './mutex.js';
/** What one call may set apart from the client's own options. */
export interface PermitOptions extends AcquireOptions {
    /** How many permits to take, all or none: 1 to the semaphore's limit, 1 by default. */
    readonly permits?: number | undefined;
}
/**
 * A lock that so many permits may be taken of at a time, over all processes.
 *
 * It consists of numbered slots, each a lock of its own on a majority of the nodes, so that there are
 * never more holders than slots; a permit is a slot. First in, first out; one that wants more than is
 * free may be passed by smaller ones sixteen times. Clients with different limits together have at most
 * the largest, and each at most its own. A limit out of bounds (1 to 1000) is reported by the first call.
 * Making one does no I/O.
 *
 * ```ts
 * await client.semaphore('printers', 3).using({ permits: 2 }, async (guard) => {
 *   await print(guard.slots)
 * })
 * ```
 */
export declare class Semaphore extends Lock<PermitOptions> {
    /** The semaphore's name. */
    readonly name: string;
    /** How many permits there are in all. */
    readonly permits: number;
}

// ticket.d.ts
import { inspect } from 'node:util';
import { type TicketReport } from '../native/index.js';
/**
 * The right to take over one held lock, made by `guard.detach()` and used up by
 * `client.adopt(ticket)`.
 *
 * `encode()` gives printable text for a job's data. Whoever has that text can take the lock: treat
 * it like a password. `console.log` shows the resource and the id only.
 */
export declare class Ticket {
    #private;
    private constructor();
    /**
     * Reads a ticket's text; no I/O.
     *
     * @throws {InvalidArgumentError} where the text is no ticket, cut short or changed
     */
    static decode(text: string): Ticket;
    /** The hand-over's id: safe to log, the same for every delivery of the ticket. */
    get id(): string;
    /** The resource this ticket is for. */
    get resource(): string;
    /** How long it is good for, from when it was made, until somebody adopts it. */
    get ttlMs(): number;
    /** The fencing token of the lease that was handed over; the adopter gets a larger one. */
    get fencingToken(): number | null;
    /** The ticket as printable ASCII without spaces or quotes. A secret. */
    encode(): string;
    [inspect.custom](): string;
}
/** The ticket that the engine made. */
export declare function ticketOf(report: TicketReport): Ticket;
