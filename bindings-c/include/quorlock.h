/* quorlock.h: distributed locks over N independent Redis or Valkey servers.
 *
 *     quorlock_client *client;
 *     quorlock_guard *guard;
 *     const char *nodes[] = { "redis://10.0.0.1", "redis://10.0.0.2", "redis://10.0.0.3" };
 *
 *     if (quorlock_client_connect(nodes, 3, NULL, &client) != QUORLOCK_OK ||
 *         quorlock_mutex_acquire(client, "invoice:42", NULL, &guard) != QUORLOCK_OK) {
 *         fprintf(stderr, "%s\n", quorlock_last_error_message());
 *         return 1;
 *     }
 *     if (quorlock_guard_is_held(guard)) { ... the work ... }
 *     quorlock_guard_release(guard, NULL);
 *     quorlock_guard_free(guard);
 *     quorlock_client_free(client);
 *
 * Results. A function that can fail returns a quorlock_status; why it failed is the thread's last
 * error. Out-parameters come last, are called ..._out and are written on every path: with NULL, 0 or
 * false where the function fails. (A struct of a wrong size is the exception: it is left alone.)
 *
 * Handles. Pointers to the opaque types are numbers that are looked up and never followed. One that
 * was freed, is of another type, or was never given out is QUORLOCK_INVALID_ARGUMENT. Every ..._free
 * takes NULL, and is safe while other threads use the handle.
 *
 * Structs. Options and results are structs that begin with their size; start from the _INIT macro, so
 * that a program goes on working with a library whose structs have grown. A library refuses structs
 * larger than its own: the header may be older than the library, not newer.
 *
 * Texts are NUL-terminated UTF-8. Those given are copied. Those received belong to the library and
 * live as long as the function's comment says; a NUL inside a name, which other languages allow, is
 * shown as U+FFFD. Pointers given must be NULL or good; they may be misaligned.
 *
 * Threads.
 *
 *     what                                      | from which thread
 *     ------------------------------------------|--------------------------------------------------
 *     every function                            | any, at any time, also several on one handle
 *     a function that waits ("Waits." below)    | any but inside a callback: there it returns
 *                                               | QUORLOCK_INVALID_ARGUMENT and does nothing
 *     quorlock_last_error...                    | each thread has a last error of its own
 *     loss and event callbacks                  | the engine's thread, or the thread whose call
 *                                               | caused them
 *     signal handlers                           | call nothing; all signals are blocked on the
 *                                               | engine's thread
 *
 * Fork. In a child, clients work on (with connections of their own), tickets, inspections and health
 * reports stay good, guards and cancellers are QUORLOCK_FORKED: nothing in the child extends or
 * releases what the parent holds, and nothing hangs. Freeing inherited handles is fine. Do not fork
 * inside a callback.
 *
 * Exit. Nothing waits for the process to end: locks still held then are left to their ttl. Call
 * quorlock_client_close to give them back first.
 */


#ifndef QUORLOCK_H
#define QUORLOCK_H

/* Generated from the sources by `make header-c`: do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of this header; quorlock_version() tells that of the library. */
#define QUORLOCK_VERSION "0.1.0"
/* The version of the interface this header describes; see quorlock_abi_version(). */
#define QUORLOCK_ABI_VERSION 2

/* A number, or a yes or no, that is not set. No option can have these values, so 0 and every negative
 * number stay what they are: values out of bounds, and an error. */
#define QUORLOCK_UNSET UINT64_C(0x8000000000000000)
#define QUORLOCK_UNSET_FLAG (-1)

/* Whether leases carry a fencing token: where a majority of the nodes can count; always, or the call
 * fails; never. */
#define QUORLOCK_FENCING_AUTO 0
#define QUORLOCK_FENCING_REQUIRED 1
#define QUORLOCK_FENCING_OFF 2

/* Whether a node that came back without its data is kept from voting until it is safe: with three nodes
 * or more; always; never. */
#define QUORLOCK_GUARD_AUTO 0
#define QUORLOCK_GUARD_ON 1
#define QUORLOCK_GUARD_OFF 2

#define QUORLOCK_CLIENT_OPTIONS_INIT \
    { sizeof(quorlock_client_options), QUORLOCK_UNSET, QUORLOCK_UNSET, QUORLOCK_UNSET, \
      QUORLOCK_UNSET, QUORLOCK_UNSET, QUORLOCK_UNSET, QUORLOCK_UNSET, QUORLOCK_UNSET, \
      QUORLOCK_UNSET_FLAG, QUORLOCK_UNSET_FLAG, QUORLOCK_UNSET_FLAG, QUORLOCK_GUARD_AUTO, NULL, NULL, NULL, NULL, NULL, QUORLOCK_UNSET_FLAG, 0 }
#define QUORLOCK_ACQUIRE_OPTIONS_INIT \
    { sizeof(quorlock_acquire_options), QUORLOCK_UNSET, QUORLOCK_UNSET, QUORLOCK_UNSET, \
      QUORLOCK_UNSET_FLAG, 0, NULL }
#define QUORLOCK_ERROR_INIT \
    { sizeof(quorlock_error), QUORLOCK_OK, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, false }
#define QUORLOCK_OUTCOME_INIT { sizeof(quorlock_outcome), NULL, NULL, NULL, NULL, 0 }
#define QUORLOCK_TICKET_INFO_INIT { sizeof(quorlock_ticket_info), NULL, NULL, 0, 0 }
#define QUORLOCK_INSPECTION_INFO_INIT { sizeof(quorlock_inspection_info), NULL, NULL, 0, 0 }
#define QUORLOCK_NODE_VIEW_INIT { sizeof(quorlock_node_view), NULL, NULL, NULL, NULL, 0, 0, 0 }
#define QUORLOCK_HEALTH_INFO_INIT { sizeof(quorlock_health_info), 0, 0, 0, false }
#define QUORLOCK_NODE_HEALTH_INIT \
    { sizeof(quorlock_node_health), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0 }
#define QUORLOCK_WARNING_INIT { sizeof(quorlock_warning), NULL, NULL }
#define QUORLOCK_STATS_INIT { sizeof(quorlock_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }


/**
 * What a call came to. 0 is success; the numbers are frozen and the same in every version.
 */
typedef enum {
    /**
     * It went well.
     */
    QUORLOCK_OK = 0,
    /**
     * Somebody else holds the lock, and the call was not to wait.
     */
    QUORLOCK_CONTENDED = -1,
    /**
     * The wait ended before the lock became free.
     */
    QUORLOCK_TIMEOUT = -2,
    /**
     * Too few nodes answered, so nobody can tell who holds the lock.
     */
    QUORLOCK_QUORUM_UNAVAILABLE = -3,
    /**
     * The lease ended while it was in use.
     */
    QUORLOCK_LEASE_LOST = -4,
    /**
     * The lock is not held any more: released, handed over, or a ticket that is used up.
     */
    QUORLOCK_NOT_HELD = -5,
    /**
     * The call was given up through its canceller.
     */
    QUORLOCK_CANCELLED = -6,
    /**
     * An argument is wrong (a handle that is not live counts too); nothing was sent.
     */
    QUORLOCK_INVALID_ARGUMENT = -10,
    /**
     * The node list is wrong, or the servers contradict the options.
     */
    QUORLOCK_INVALID_CONFIG = -11,
    /**
     * The client was closed.
     */
    QUORLOCK_CLOSED = -12,
    /**
     * The handle belongs to the parent of this forked process.
     */
    QUORLOCK_FORKED = -13,
    /**
     * A server broke the protocol.
     */
    QUORLOCK_PROTOCOL = -20,
    /**
     * A bug in Quorlock; the library stays usable.
     */
    QUORLOCK_INTERNAL = -99,
} quorlock_status;

/**
 * What became of a release.
 *
 */
typedef enum {
    /**
     * Nothing: the call failed.
     */
    QUORLOCK_RELEASE_RESULT_NONE = 0,
    /**
     * A majority deleted the key: the lock is free.
     */
    QUORLOCK_RELEASE_RESULT_RELEASED = 1,
    /**
     * The lease was already gone on a majority; there was nothing to give back.
     */
    QUORLOCK_RELEASE_RESULT_ALREADY_EXPIRED = 2,
    /**
     * Too few nodes answered to tell. The engine goes on releasing until they answer or the ttl
     * has passed; `quorlock_guard_release_outcome` names them.
     */
    QUORLOCK_RELEASE_RESULT_UNKNOWN = 3,
    /**
     * Other guards of the lock are left, which was re-entered: it is held until the last is released.
     */
    QUORLOCK_RELEASE_RESULT_STILL_HELD = 4,
} quorlock_release_result;

/**
 * Why a lock was lost.
 *
 */
typedef enum {
    /**
     * It was not lost.
     */
    QUORLOCK_LOSS_NONE = 0,
    /**
     * A majority of the nodes no longer has the key.
     */
    QUORLOCK_LOSS_MAJORITY = 1,
    /**
     * The validity ran out before a majority confirmed a renewal.
     */
    QUORLOCK_LOSS_EXPIRED = 2,
    /**
     * The longest time a lease may be held was reached.
     */
    QUORLOCK_LOSS_HOLD_LIMIT = 3,
    /**
     * The largest number of renewals was reached.
     */
    QUORLOCK_LOSS_RENEWAL_LIMIT = 4,
    /**
     * The event loop that uses it was silent for too long. The C binding has no such loop.
     */
    QUORLOCK_LOSS_HOST_SILENT = 5,
    /**
     * The leader resigned.
     */
    QUORLOCK_LOSS_RESIGNED = 6,
} quorlock_loss;

/**
 * Gives up calls that wait: put it into `quorlock_acquire_options` and cancel it from any thread.
 */
typedef struct quorlock_canceller quorlock_canceller;

/**
 * A client of N independent servers.
 *
 * Threads: may be used by any number of threads at once. Fork: in a child it works on, with
 * connections of its own.
 */
typedef struct quorlock_client quorlock_client;

/**
 * A held lock. The engine renews it in the background until it is released, handed over or lost,
 * or the cap on its total hold time is reached.
 *
 * Threads: may be used by any number of threads at once. Fork: in a child it is not held, and its
 * functions return `QUORLOCK_FORKED`; nothing there extends or releases what the parent holds.
 */
typedef struct quorlock_guard quorlock_guard;

/**
 * What is known of the nodes, and what is wrong with them.
 *
 * Threads: may be used by any number of threads at once. Fork: good in a child too.
 */
typedef struct quorlock_health quorlock_health;

/**
 * What the nodes showed of one resource at one moment.
 *
 * Threads: may be used by any number of threads at once. Fork: good in a child too.
 */
typedef struct quorlock_inspection quorlock_inspection;

/**
 * The right to take over one held lock. Its text is a secret like the lock itself.
 *
 * Threads: may be used by any number of threads at once. Fork: good in a child too.
 */
typedef struct quorlock_ticket quorlock_ticket;

/**
 * One thing that happened to a lock of a client. The texts live until the callback returns.
 */
typedef struct {
    /**
     * The size of this struct in the library.
     */
    size_t size;
    /**
     * What happened: `acquired`, `contended`, `failed`, `renewed`, `lost`, `released`, `detached`
     * or `adopted`.
     */
    const char *kind;
    /**
     * The resource.
     */
    const char *resource;
    /**
     * `failed`: the error's code. `lost`: the reason. `released`: `released`, `already_expired` or
     * `unknown`. `detached`: the ticket's id. Else empty.
     */
    const char *detail;
    /**
     * `acquired`, `adopted`, `failed`: time since the call. `renewed`: validity that was left.
     * `released`: how long the lock was held. Else 0.
     */
    uint64_t span_us;
    /**
     * Rounds tried; 0 where there are none.
     */
    uint32_t attempts;
} quorlock_event;

/**
 * Told of everything that happens to a client's locks.
 *
 * It runs on the engine's thread or on a caller's, possibly on several at once; it must be short,
 * must not wait, must not throw or `longjmp`. Functions that do not wait may be called; those that
 * wait return `QUORLOCK_INVALID_ARGUMENT`.
 */
typedef void (*quorlock_event_callback)(const quorlock_event *event, void *user_data);

/**
 * Options of a client. Start from `QUORLOCK_CLIENT_OPTIONS_INIT`, which leaves all of them unset;
 * NULL means the same as that. Texts are copied; they need not outlive the call.
 */
typedef struct {
    /**
     * `sizeof(quorlock_client_options)`, set by the `_INIT` macro.
     */
    size_t size;
    /**
     * How long a lease lives without renewal: 10 ms to 24 h, 10 s by default.
     */
    uint64_t ttl_ms;
    /**
     * How long `acquire` waits at most: 30 s by default.
     */
    uint64_t wait_ms;
    /**
     * How long a lease may be held in all, renewals included: 1 h by default.
     */
    uint64_t hold_ms_max;
    /**
     * How often a lease may be renewed: 100,000 times by default.
     */
    uint64_t renewals_max;
    /**
     * How long one node may take to answer: the smaller of 50 ms and a tenth of the ttl by
     * default.
     */
    uint64_t node_timeout_ms;
    /**
     * How long each phase of making a connection may take: 1 s by default.
     */
    uint64_t connect_timeout_ms;
    /**
     * How long the nodes remember that a ticket's work is done: 1 h by default.
     */
    uint64_t ticket_retention_ms;
    /**
     * The most calls of this client that may wait at once: 10,000 by default and at most.
     */
    uint64_t waiters_max;
    /**
     * Whether leases are renewed in the background: 1 (default) or 0.
     */
    int32_t renew;
    /**
     * One of `QUORLOCK_FENCING_AUTO` (default), `_REQUIRED` and `_OFF`.
     */
    int32_t fencing;
    /**
     * 0 switches the checks of certificates off, and each connection logs a warning; 1 by default.
     */
    int32_t tls_verify;
    /**
     * One of `QUORLOCK_GUARD_AUTO` (default: with three nodes or more), `_ON` and `_OFF`: whether a
     * node that came back without its data is kept from voting until it is safe.
     */
    int32_t restart_guard;
    /**
     * What every key begins with; NULL for nothing. At most 256 bytes, no `{` or `}`.
     */
    const char *key_prefix;
    /**
     * Free text that `inspect` shows beside host, process and language of a holder; NULL for none.
     */
    const char *owner;
    /**
     * Certificates to trust for `rediss://`, in PEM, beside the built-in roots; NULL for none.
     */
    const char *tls_ca_pem;
    /**
     * Told of everything that happens to this client's locks; NULL for nobody.
     */
    quorlock_event_callback on_event;
    /**
     * Handed to `on_event` as it is.
     */
    void *event_data;
    /**
     * 0 lets a cluster wait for the longest ttl of which every node answers and none has ever been
     * used; by default, 1, it may be used at once.
     */
    int32_t assume_fresh;
    /**
     * Unused, 0.
     */
    int32_t reserved;
} quorlock_client_options;

/**
 * Why a call failed. Set `size` with `QUORLOCK_ERROR_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_error)`.
     */
    size_t size;
    /**
     * What the call returned.
     */
    quorlock_status status;
    /**
     * How many rounds were tried.
     */
    uint32_t attempts;
    /**
     * The status's code, such as `QUORLOCK_TIMEOUT`.
     */
    const char *code;
    /**
     * What went wrong, in words, without the outcomes.
     */
    const char *message;
    /**
     * The argument or option that is wrong, such as `acquire.ttl_ms` or `nodes[2]`; NULL if none.
     */
    const char *field;
    /**
     * The resource the call was about; NULL if none.
     */
    const char *resource;
    /**
     * The operation, such as `acquire`; NULL if none.
     */
    const char *operation;
    /**
     * How long the operation ran.
     */
    uint64_t elapsed_us;
    /**
     * How many outcomes `quorlock_last_error_outcome` can read: one per node that was asked.
     */
    size_t outcome_count;
    /**
     * True where the same call, made again later, can succeed with nothing else changed.
     */
    bool is_retryable;
} quorlock_error;

/**
 * What one node said. Set `size` with `QUORLOCK_OUTCOME_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_outcome)`.
     */
    size_t size;
    /**
     * The node's address, without user, password or query.
     */
    const char *node;
    /**
     * `granted`, `held_by_another`, `queued`, `missing`, `spent`, `faulted`, `unheard` or
     * `not_asked`.
     */
    const char *status;
    /**
     * The class of its fault, such as `timeout` or `unreachable`; NULL where it has none.
     */
    const char *fault;
    /**
     * A few words on the fault; NULL where it has none.
     */
    const char *detail;
    /**
     * From sending to the answer, or to the end of waiting for one.
     */
    uint64_t elapsed_us;
} quorlock_outcome;

/**
 * Told once that a lock was lost.
 *
 * It runs on the engine's thread, or on the thread that registers it where the lock is lost
 * already; it must be short, must not wait, must not throw or `longjmp`. Functions that do not
 * wait may be called; those that wait return `QUORLOCK_INVALID_ARGUMENT`.
 */
typedef void (*quorlock_loss_callback)(quorlock_loss loss, void *user_data);

/**
 * The report as a whole. Set `size` with `QUORLOCK_HEALTH_INFO_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_health_info)`.
     */
    size_t size;
    /**
     * Votes that make a majority.
     */
    size_t quorum;
    /**
     * How many nodes `quorlock_health_node` can read.
     */
    size_t node_count;
    /**
     * How many warnings `quorlock_health_warning` can read.
     */
    size_t warning_count;
    /**
     * True where a majority of the nodes can be reached: locks can be had.
     */
    bool has_quorum;
} quorlock_health_info;

/**
 * What one node says of itself, as far as its user may ask. Set `size` with
 * `QUORLOCK_NODE_HEALTH_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_node_health)`.
     */
    size_t size;
    /**
     * The node's address.
     */
    const char *node;
    /**
     * The class of the fault that kept it from answering; NULL where it answered.
     */
    const char *fault;
    /**
     * A few words on the fault; NULL where it answered.
     */
    const char *detail;
    /**
     * `redis`, `valkey` or `memory`; NULL where it is not known, as for all that follow.
     */
    const char *server;
    /**
     * The server's version.
     */
    const char *version;
    /**
     * `standalone`, `cluster` or `sentinel`.
     */
    const char *mode;
    /**
     * `master` or `slave`.
     */
    const char *role;
    /**
     * The eviction policy.
     */
    const char *eviction;
    /**
     * How long the answer took.
     */
    uint64_t round_trip_us;
    /**
     * Connected replicas; -1 where it is not known.
     */
    int64_t replicas;
    /**
     * Whether an append-only file is on: 1 or 0; -1 where it is not known.
     */
    int32_t append_only;
    /**
     * How long its answers do not count, where it came back without its data; -1 where they count.
     */
    int64_t guarded_ms;
} quorlock_node_health;

/**
 * One thing worth a look. Set `size` with `QUORLOCK_WARNING_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_warning)`.
     */
    size_t size;
    /**
     * The warning in one stable word, such as `evicts`.
     */
    const char *name;
    /**
     * The warning in words, with the node's address.
     */
    const char *message;
} quorlock_warning;

/**
 * What the nodes show together. Set `size` with `QUORLOCK_INSPECTION_INFO_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_inspection_info)`.
     */
    size_t size;
    /**
     * The resource.
     */
    const char *resource;
    /**
     * The owner whose key a majority shows, as it labelled itself (`host/pid/language/text`);
     * `foreign` where another library wrote the key; NULL where nobody holds it.
     */
    const char *holder;
    /**
     * Votes that make a majority.
     */
    size_t quorum;
    /**
     * How many nodes `quorlock_inspection_node` can read.
     */
    size_t node_count;
} quorlock_inspection_info;

/**
 * What one node shows. Set `size` with `QUORLOCK_NODE_VIEW_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_node_view)`.
     */
    size_t size;
    /**
     * The node's address.
     */
    const char *node;
    /**
     * The label of the owner; NULL where there is no key.
     */
    const char *owner;
    /**
     * The class of the fault that kept it from answering; NULL where it answered.
     */
    const char *fault;
    /**
     * A few words on the fault; NULL where it answered.
     */
    const char *detail;
    /**
     * How long the key still lives; -1 where it is not known.
     */
    int64_t remaining_ms;
    /**
     * Waiters in the queue there; -1 where the user may not ask.
     */
    int64_t waiters;
    /**
     * The resource's fencing counter there; 0 where it is not known.
     */
    uint64_t fencing_counter;
} quorlock_node_view;

/**
 * What one `acquire`, `try_acquire` or `adopt` sets apart from the client's options. Start from
 * `QUORLOCK_ACQUIRE_OPTIONS_INIT`; NULL means the same as that.
 */
typedef struct {
    /**
     * `sizeof(quorlock_acquire_options)`, set by the `_INIT` macro.
     */
    size_t size;
    /**
     * How long the lease lives without renewal: 10 ms to 24 h.
     */
    uint64_t ttl_ms;
    /**
     * How long to wait for the lock at most; 0 means one try.
     */
    uint64_t wait_ms;
    /**
     * How long the lease may be held in all; renewal stops there and the lease is lost.
     */
    uint64_t hold_ms_max;
    /**
     * Whether the lease is renewed in the background: 1 or 0.
     */
    int32_t renew;
    /**
     * Unused, 0.
     */
    int32_t reserved;
    /**
     * Gives the call up from another thread; NULL for none. Must live until the call returns.
     */
    const quorlock_canceller *canceller;
} quorlock_acquire_options;

/**
 * What one client did since it was made, in this process. Set `size` with `QUORLOCK_STATS_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_stats)`.
     */
    size_t size;
    /**
     * Locks won by `acquire` and `try_acquire`.
     */
    uint64_t acquired;
    /**
     * Tries that found somebody else holding the lock.
     */
    uint64_t contended;
    /**
     * Calls that ended with an error.
     */
    uint64_t failed;
    /**
     * Renewals confirmed by a majority.
     */
    uint64_t renewed;
    /**
     * Leases lost.
     */
    uint64_t lost;
    /**
     * Locks given back.
     */
    uint64_t released;
    /**
     * Locks handed over as tickets.
     */
    uint64_t detached;
    /**
     * Locks taken over by tickets.
     */
    uint64_t adopted;
    /**
     * Nodes that could not serve their part of a failed call.
     */
    uint64_t node_faults;
    /**
     * Rounds it took to win, in all.
     */
    uint64_t rounds;
    /**
     * Time from the call to the lock, over all locks won.
     */
    uint64_t waited_us;
    /**
     * Time locks were held, over all given back.
     */
    uint64_t held_us;
    /**
     * The least validity that was left when a renewal was confirmed; `QUORLOCK_UNSET` before the
     * first.
     */
    uint64_t renewal_margin_min_us;
} quorlock_stats;

/**
 * What a ticket says of itself. Set `size` with `QUORLOCK_TICKET_INFO_INIT`.
 */
typedef struct {
    /**
     * `sizeof(quorlock_ticket_info)`.
     */
    size_t size;
    /**
     * The hand-over's id: safe to log, the same for every delivery of the ticket.
     */
    const char *id;
    /**
     * The resource it is for.
     */
    const char *resource;
    /**
     * How long it is good for, from when it was made, until somebody adopts it.
     */
    uint64_t ttl_ms;
    /**
     * The fencing token of the lease that was handed over; 0 where it had none.
     */
    uint64_t fencing_token;
} quorlock_ticket_info;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a canceller. One canceller may serve any number of calls, at once and one after another;
 * once cancelled it stays so, and calls begun with it end at once.
 *
 * Ownership: free it with `quorlock_canceller_free`. Threads: any.
 */
quorlock_status quorlock_canceller_new(quorlock_canceller **canceller_out);

/**
 * Ends every call that waits with this canceller: each returns `QUORLOCK_CANCELLED` and leaves no
 * lock behind, unless it had its result already. May be called again.
 *
 * Threads: any, also while the calls wait; not from a signal handler.
 */
quorlock_status quorlock_canceller_cancel(const quorlock_canceller *canceller);

/**
 * Frees a canceller; calls that wait with it go on and can no longer be cancelled. NULL is fine.
 *
 * Threads: any.
 */
quorlock_status quorlock_canceller_free(quorlock_canceller *canceller);

/**
 * Makes a client over `node_count` nodes: `redis://`, `rediss://`, `unix://` or `memory://name`
 * URLs. Connections are made in the background; nothing here waits.
 *
 * `QUORLOCK_INVALID_CONFIG` names a wrong node as `nodes[i]`, `QUORLOCK_INVALID_ARGUMENT` a wrong
 * option. Ownership: free the client with `quorlock_client_free`. Threads: any.
 */
quorlock_status quorlock_client_connect(const char *const *nodes,
                                        size_t node_count,
                                        const quorlock_client_options *options,
                                        quorlock_client **client_out);

/**
 * Closes a client: later calls fail with `QUORLOCK_CLOSED`, every lock of it is released, and what
 * is under way may finish within `limit_ms`. `finished_out` (may be NULL) tells whether all of it
 * did. The handle stays valid until it is freed. Waits.
 *
 * Threads: any.
 */
quorlock_status quorlock_client_close(const quorlock_client *client,
                                      uint64_t limit_ms,
                                      bool *finished_out);

/**
 * Frees a client. Its guards stay held until each is freed or released; close the client first to
 * release all of them. When this returns, `on_event` is not running and never will again, unless
 * this is called inside a callback: then it may run until that callback returns. NULL is fine.
 *
 * Threads: any; calls of other threads that are under way end as if nothing happened.
 */
quorlock_status quorlock_client_free(quorlock_client *client);

/**
 * The calling thread's last error: that of its last call which did not return `QUORLOCK_OK`. The
 * texts live until this thread's next call that does not return `QUORLOCK_OK`, or its end.
 *
 * `QUORLOCK_INVALID_ARGUMENT` where no call of this thread has failed yet, and for a NULL or a
 * wrong size. Reading changes nothing, also where it fails. Threads: each has its own.
 */
quorlock_status quorlock_last_error(quorlock_error *error_out);

/**
 * The last error in one line for a log: operation, resource, field, message, rounds, time and what
 * each node said. Empty where no call of this thread has failed yet; never NULL. It lives as long
 * as the texts of `quorlock_last_error`.
 *
 * Threads: each has its own.
 */
const char *quorlock_last_error_message(void);

/**
 * What one node said in the call that failed, from index 0. `QUORLOCK_INVALID_ARGUMENT` beyond the
 * last. The texts live as long as those of `quorlock_last_error`.
 *
 * Threads: each has its own.
 */
quorlock_status quorlock_last_error_outcome(size_t index, quorlock_outcome *outcome_out);

/**
 * True where the lock may be used at this moment: ask before each step that needs it. Local, no
 * I/O, and true also right after the process was paused. False for a handle that is not live, and
 * in a forked child. Leaves the last error alone.
 *
 * Threads: any.
 */
bool quorlock_guard_is_held(const quorlock_guard *guard);

/**
 * How long the lock may still be used unless it is renewed; 0 once it may not. Local.
 *
 * Threads: any.
 */
quorlock_status quorlock_guard_remaining(const quorlock_guard *guard, uint64_t *remaining_ms_out);

/**
 * The fencing token: a number that grows with every holder of the resource. Hand it to every store
 * you write to. 0 where fencing is off or a majority of the nodes cannot count. Local.
 *
 * Threads: any.
 */
quorlock_status quorlock_guard_fencing_token(const quorlock_guard *guard, uint64_t *token_out);

/**
 * Whether this lock came by a ticket, without a gap since the publisher acquired it. Local.
 *
 * Threads: any.
 */
quorlock_status quorlock_guard_is_adopted(const quorlock_guard *guard, bool *adopted_out);

/**
 * The resource this lock is for. The text lives until the guard is freed. Local.
 *
 * Threads: any.
 */
quorlock_status quorlock_guard_resource(const quorlock_guard *guard, const char **resource_out);

/**
 * `QUORLOCK_OK` where the lock may be used now, else the reason: `QUORLOCK_LEASE_LOST`,
 * `QUORLOCK_NOT_HELD` (released or handed over), `QUORLOCK_FORKED`. Local.
 *
 * Threads: any.
 */
quorlock_status quorlock_guard_check(const quorlock_guard *guard);

/**
 * Renews the lock now, beside the background renewal. Waits for one node timeout at most.
 *
 * `QUORLOCK_LEASE_LOST`, `QUORLOCK_QUORUM_UNAVAILABLE` where too few nodes confirmed in time (the
 * old validity stands), `QUORLOCK_NOT_HELD`, `QUORLOCK_FORKED`. Threads: any.
 */
quorlock_status quorlock_guard_extend(const quorlock_guard *guard);

/**
 * Gives the lock back: on every node, in one round. Waits for one node timeout at most. It may be
 * called again and tells the same each time. `result_out` may be NULL.
 *
 * That the lease had expired, or that too few nodes answered, is a result and not an error.
 * `QUORLOCK_NOT_HELD` where the lock was handed over, `QUORLOCK_FORKED`. Threads: any.
 */
quorlock_status quorlock_guard_release(const quorlock_guard *guard,
                                       quorlock_release_result *result_out);

/**
 * The result of a release in one stable word: `released`, `already_expired`, `unknown` or
 * `still_held`; `none` for a number that is no result. Never NULL; static.
 *
 * Threads: any, at any time.
 */
const char *quorlock_release_result_name(int32_t result);

/**
 * The nodes that an unknown release still has to hear of, one by one from index 0.
 * `QUORLOCK_INVALID_ARGUMENT` beyond the last. The texts live until the guard is freed. Local.
 *
 * Threads: any.
 */
quorlock_status quorlock_guard_release_outcome(const quorlock_guard *guard,
                                               size_t index,
                                               quorlock_outcome *outcome_out);

/**
 * Hands the lock over: the guard ends here, and whoever adopts the ticket goes on with the lock.
 * The ticket is good for `ttl_ms` from now, or for the lease's own ttl with `QUORLOCK_UNSET`;
 * nothing renews it until it is adopted. Waits for one node timeout at most.
 *
 * `QUORLOCK_LEASE_LOST`, `QUORLOCK_NOT_HELD`, `QUORLOCK_QUORUM_UNAVAILABLE` (the guard still holds
 * the lock), `QUORLOCK_FORKED`. Ownership: free the ticket with `quorlock_ticket_free`, and the
 * guard with `quorlock_guard_free` as always. Threads: any.
 */
quorlock_status quorlock_guard_detach(const quorlock_guard *guard,
                                      uint64_t ttl_ms,
                                      quorlock_ticket **ticket_out);

/**
 * Why the lock was lost; `QUORLOCK_LOSS_NONE` where it was not. Local.
 *
 * Threads: any.
 */
quorlock_status quorlock_guard_loss(const quorlock_guard *guard, quorlock_loss *loss_out);

/**
 * Waits until the lock is lost and tells why; `QUORLOCK_LOSS_NONE` where that has not happened
 * within `within_ms`. `QUORLOCK_NOT_HELD` as soon as the lock is released or handed over instead.
 *
 * Threads: any, also while other threads use the guard.
 */
quorlock_status quorlock_guard_wait_lost(const quorlock_guard *guard,
                                         uint64_t within_ms,
                                         quorlock_loss *loss_out);

/**
 * Calls `callback` with `user_data` once if the lock is lost; never if it is released or handed
 * over. Any number of callbacks may be registered. Where the lock is lost already, the callback
 * runs here and now.
 *
 * Lifetime: `user_data` must stay good until `quorlock_guard_free` returns: from then on the
 * callback neither runs nor ever will. Threads: any; see `quorlock_loss_callback` for the one it
 * runs on.
 */
quorlock_status quorlock_guard_on_lost(const quorlock_guard *guard,
                                       quorlock_loss_callback callback,
                                       void *user_data);

/**
 * Frees a guard; a lock that is still held is released in the background. When this returns, no
 * loss callback of the guard is running or ever will, unless this is called inside a callback:
 * then one may run until that callback returns. NULL is fine. In a forked child it frees nothing
 * of the parent's.
 *
 * Threads: any; calls of other threads on this guard end with their result or with
 * `QUORLOCK_INVALID_ARGUMENT`.
 */
quorlock_status quorlock_guard_free(quorlock_guard *guard);

/**
 * Checks the nodes before they are relied on: reach, role, version, persistence, eviction, the
 * same server twice. Whatever is wrong with them is part of the report. Waits for two connection
 * timeouts at most.
 *
 * `QUORLOCK_CLOSED`. Ownership: free the report with `quorlock_health_free`. Threads: any.
 */
quorlock_status quorlock_client_health(const quorlock_client *client, quorlock_health **health_out);

/**
 * The report as a whole.
 *
 * Threads: any.
 */
quorlock_status quorlock_health_read(const quorlock_health *health, quorlock_health_info *info_out);

/**
 * What one node says of itself, in the order of the configuration from index 0. The texts live
 * until the report is freed.
 *
 * Threads: any.
 */
quorlock_status quorlock_health_node(const quorlock_health *health,
                                     size_t index,
                                     quorlock_node_health *node_out);

/**
 * One warning, most serious first, from index 0. The texts live until the report is freed.
 *
 * Threads: any.
 */
quorlock_status quorlock_health_warning(const quorlock_health *health,
                                        size_t index,
                                        quorlock_warning *warning_out);

/**
 * Frees a report. NULL is fine.
 *
 * Threads: any.
 */
quorlock_status quorlock_health_free(quorlock_health *health);

/**
 * Shows, node by node, who holds `name`: read-only. A node that does not answer is part of the
 * result. Waits for one connection timeout at most.
 *
 * `QUORLOCK_INVALID_ARGUMENT`, `QUORLOCK_CLOSED`. Ownership: free the inspection with
 * `quorlock_inspection_free`. Threads: any.
 */
quorlock_status quorlock_client_inspect(const quorlock_client *client,
                                        const char *name,
                                        quorlock_inspection **inspection_out);

/**
 * What the nodes show together. The texts live until the inspection is freed.
 *
 * Threads: any.
 */
quorlock_status quorlock_inspection_read(const quorlock_inspection *inspection,
                                         quorlock_inspection_info *info_out);

/**
 * What one node shows, in the order of the configuration from index 0. The texts live until the
 * inspection is freed.
 *
 * Threads: any.
 */
quorlock_status quorlock_inspection_node(const quorlock_inspection *inspection,
                                         size_t index,
                                         quorlock_node_view *node_out);

/**
 * Frees an inspection. NULL is fine.
 *
 * Threads: any.
 */
quorlock_status quorlock_inspection_free(quorlock_inspection *inspection);

/**
 * A reason in one stable word, such as `expired`; `none` where the lock was not lost, `unknown`
 * for a number that is no reason. Never NULL; static.
 *
 * Threads: any, at any time.
 */
const char *quorlock_loss_name(int32_t loss);

/**
 * Takes the lock `name`, waiting for it: first in, first out over all processes. Waits for
 * `wait_ms` at most.
 *
 * `QUORLOCK_TIMEOUT` where somebody else has it for all the wait (`QUORLOCK_CONTENDED` where the
 * wait is 0), `QUORLOCK_QUORUM_UNAVAILABLE` where too few nodes answered, `QUORLOCK_CANCELLED`,
 * `QUORLOCK_CLOSED`, `QUORLOCK_INVALID_ARGUMENT`. After any of them no lock is left behind.
 *
 * Ownership: free the guard with `quorlock_guard_free`. Threads: any.
 */
quorlock_status quorlock_mutex_acquire(const quorlock_client *client,
                                       const char *name,
                                       const quorlock_acquire_options *options,
                                       quorlock_guard **guard_out);

/**
 * Takes the lock `name` if it can be had at once; `QUORLOCK_CONTENDED` where somebody else has it.
 * Waits for the nodes' answers only.
 *
 * Other statuses as `quorlock_mutex_acquire`, without `QUORLOCK_TIMEOUT`. Ownership: free the
 * guard with `quorlock_guard_free`. Threads: any.
 */
quorlock_status quorlock_mutex_try_acquire(const quorlock_client *client,
                                           const char *name,
                                           const quorlock_acquire_options *options,
                                           quorlock_guard **guard_out);

/**
 * What this client did so far, in this process. Local, no I/O.
 *
 * `QUORLOCK_CLOSED`. Threads: any.
 */
quorlock_status quorlock_client_stats(const quorlock_client *client, quorlock_stats *stats_out);

/**
 * The code of a status in one stable word, such as `QUORLOCK_TIMEOUT`: the same word that Node
 * shows as `error.code`. `QUORLOCK_UNKNOWN` for a number that is no status. Never NULL; static.
 *
 * Threads: any, at any time.
 */
const char *quorlock_status_name(int32_t status);

/**
 * True where the same call, made again later, can succeed with nothing else changed.
 *
 * Threads: any, at any time.
 */
bool quorlock_status_is_retryable(int32_t status);

/**
 * Reads a ticket's text, as any language made it. No I/O.
 *
 * `QUORLOCK_INVALID_ARGUMENT` says what is wrong with the text without repeating it. Ownership:
 * free the ticket with `quorlock_ticket_free`. Threads: any.
 */
quorlock_status quorlock_ticket_decode(const char *text, quorlock_ticket **ticket_out);

/**
 * The ticket as printable ASCII without spaces or quotes, for a job's data. The text lives until
 * the ticket is freed. No I/O.
 *
 * Threads: any.
 */
quorlock_status quorlock_ticket_encode(const quorlock_ticket *ticket, const char **text_out);

/**
 * What the ticket says of itself. The texts live until the ticket is freed. No I/O.
 *
 * Threads: any.
 */
quorlock_status quorlock_ticket_read(const quorlock_ticket *ticket, quorlock_ticket_info *info_out);

/**
 * Takes over the lock that a ticket stands for. Exactly one of all who try wins; renewal and a
 * new, larger fencing token begin with it. The ttl is the ticket's unless the options set one.
 * Waits.
 *
 * `QUORLOCK_NOT_HELD` where the ticket is used up, in use, or has run out (the message tells
 * which), `QUORLOCK_QUORUM_UNAVAILABLE`, `QUORLOCK_CONTENDED` (several adopters at once, none won
 * in time), `QUORLOCK_CANCELLED`, `QUORLOCK_CLOSED`. Ownership: free the guard with
 * `quorlock_guard_free`; the ticket stays yours. Threads: any.
 */
quorlock_status quorlock_client_adopt(const quorlock_client *client,
                                      const quorlock_ticket *ticket,
                                      const quorlock_acquire_options *options,
                                      quorlock_guard **guard_out);

/**
 * Frees a ticket; the lock it stands for is not touched. NULL is fine.
 *
 * Threads: any.
 */
quorlock_status quorlock_ticket_free(quorlock_ticket *ticket);

/**
 * The library's version, such as `0.1.0`; `QUORLOCK_VERSION` is that of the header. Never NULL;
 * static.
 *
 * Threads: any, at any time.
 */
const char *quorlock_version(void);

/**
 * The version of the library's interface. A program built with this header runs with any library
 * whose number is at least `QUORLOCK_ABI_VERSION`.
 *
 * Threads: any, at any time.
 */
uint32_t quorlock_abi_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* QUORLOCK_H */
