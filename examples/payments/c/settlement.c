/* The settlement service: a payment worker in C. It pops jobs from the Redis stream with hiredis,
 * adopts the lock that came with each, and charges under it. */

#include <errno.h>
#include <hiredis.h>
#include <inttypes.h>
#include <quorlock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger.h"

#define GROUP "workers"
#define REDELIVER_AFTER_MS "3000"
#define NODES_MAX 31

static volatile sig_atomic_t stopping;

static void stop(int number) {
    (void)number;
    stopping = 1;
}

typedef struct {
    const char *id, *order, *amount_cents, *ticket, *drill;
    long provider_ms;
} job;

typedef struct {
    const char *name, *stream;
    bool locks;
    uint64_t ttl_ms;
    quorlock_client *client;
    redisContext *queue;
    ledger ledger;
} worker;

static double now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void pause_ms(long ms) {
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR && !stopping) {
    }
}

/* Tells the demo what happened: one line of JSON. `more` is further members, or empty. */
static void tell(const char *event, const char *order, const char *more) {
    printf("{\"t\":%.3f,\"e\":\"%s\",\"o\":\"%s\"%s}\n", now_ms(CLOCK_REALTIME), event, order, more);
    fflush(stdout);
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "settlement: %s is not set\n", name);
        exit(2);
    }
    return value;
}

/* Why a ticket was refused, in the same words in every language. */
static const char *why(void) {
    const char *reason = "the ticket has run out";
    quorlock_outcome outcome = QUORLOCK_OUTCOME_INIT;
    for (size_t index = 0; quorlock_last_error_outcome(index, &outcome) == QUORLOCK_OK; index++) {
        if (strcmp(outcome.status, "spent") == 0) return "the ticket is used up";
        if (strcmp(outcome.status, "held_by_another") == 0) reason = "another worker is at it";
    }
    return reason;
}

/* The publisher's lock, or a new one where the ticket is dead. */
static quorlock_status take(worker *self, const job *work, quorlock_guard **guard_out) {
    double begun = now_ms(CLOCK_MONOTONIC);
    quorlock_ticket *ticket = NULL;
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.ttl_ms = self->ttl_ms;
    const char *event = "adopted";
    char more[128];
    quorlock_status status = quorlock_ticket_decode(work->ticket, &ticket);
    if (status == QUORLOCK_OK) status = quorlock_client_adopt(self->client, ticket, &options, guard_out);
    if (status == QUORLOCK_NOT_HELD) {
        snprintf(more, sizeof more, ",\"why\":\"%s\"", why());
        tell("refused", work->order, more);
        char name[128];
        snprintf(name, sizeof name, "payment:%s", work->order);
        event = "afresh";
        status = quorlock_mutex_try_acquire(self->client, name, NULL, guard_out);
    }
    quorlock_ticket_free(ticket);
    if (status == QUORLOCK_OK) {
        snprintf(more, sizeof more, ",\"wait_ms\":%.3f", now_ms(CLOCK_MONOTONIC) - begun);
        tell(event, work->order, more);
    }
    return status;
}

/* Somebody else has begun since; whether they come to an end, a redelivery will tell. */
static bool came_too_late(const job *work) {
    tell("stale", work->order, "");
    tell("lost", work->order, ",\"how\":\"the ledger, by its token\"");
    return false;
}

/* Charges, under `guard` if there is one. False where the job has to be delivered again. */
static bool charge(worker *self, const job *work, const quorlock_guard *guard) {
    uint64_t token = 0;
    long begun = 0;
    if (guard && quorlock_guard_fencing_token(guard, &token) != QUORLOCK_OK) return false;
    switch (ledger_begin(&self->ledger, work->order, token, &begun)) {
    case LEDGER_OPEN: break;
    case LEDGER_CHARGED: tell("already", work->order, ""); return true;
    case LEDGER_STALE: return came_too_late(work);
    case LEDGER_FAILED: tell("failed", work->order, ""); return false;
    }
    bool stand_still = strcmp(work->drill, "stand-still") == 0;
    if ((stand_still || strcmp(work->drill, "freeze") == 0) && begun == 1) {
        /* The demo kills this worker here, or stops it for longer than the ttl: in the middle of a
         * payment, with the lock in its hand. */
        tell("standing", work->order, "");
        pause_ms(stand_still ? 60000 : 1000);
    }
    /* The payment provider takes its time. */
    pause_ms(work->provider_ms);
    if (guard && quorlock_guard_check(guard) != QUORLOCK_OK) {
        tell("lost", work->order, ",\"how\":\"the check before the write\"");
        return false;
    }
    switch (ledger_charge(&self->ledger, work->order, token, self->name, work->amount_cents)) {
    case LEDGER_CHARGED: tell("charged", work->order, ""); return true;
    case LEDGER_STALE: return came_too_late(work);
    default: tell("failed", work->order, ""); return false;
    }
}

/* True where the job is done with; if not, it has to be delivered again. */
static bool pay(worker *self, const job *work) {
    if (!self->locks) return charge(self, work, NULL);
    quorlock_guard *guard = NULL;
    quorlock_status status = take(self, work, &guard);
    if (status == QUORLOCK_CONTENDED) {
        tell("retry", work->order, "");
        return false;
    }
    if (status != QUORLOCK_OK) {
        fprintf(stderr, "%s: %s: %s\n", self->name, work->order, quorlock_last_error_message());
        tell("failed", work->order, "");
        return false;
    }
    bool done = charge(self, work, guard);
    quorlock_guard_release(guard, NULL);
    quorlock_guard_free(guard);
    tell("released", work->order, "");
    return done;
}

/* One entry of the stream: its id and a flat list of names and values. */
static bool read_job(const redisReply *entry, job *work) {
    if (!entry || entry->type != REDIS_REPLY_ARRAY || entry->elements != 2) return false;
    const redisReply *fields = entry->element[1];
    if (fields->type != REDIS_REPLY_ARRAY) return false;
    *work = (job){.id = entry->element[0]->str, .ticket = "", .drill = ""};
    for (size_t index = 0; index + 1 < fields->elements; index += 2) {
        const char *name = fields->element[index]->str, *value = fields->element[index + 1]->str;
        if (strcmp(name, "order") == 0) work->order = value;
        if (strcmp(name, "amount_cents") == 0) work->amount_cents = value;
        if (strcmp(name, "ticket") == 0) work->ticket = value;
        if (strcmp(name, "drill") == 0) work->drill = value;
        if (strcmp(name, "provider_ms") == 0) work->provider_ms = strtol(value, NULL, 10);
    }
    return work->order && work->amount_cents;
}

static void work_off(worker *self, const redisReply *entries) {
    for (size_t index = 0; entries && index < entries->elements && !stopping; index++) {
        job work;
        if (!read_job(entries->element[index], &work) || !pay(self, &work)) continue;
        freeReplyObject(redisCommand(self->queue, "XACK %s " GROUP " %s", self->stream, work.id));
    }
}

static void consume(worker *self) {
    double look_at = now_ms(CLOCK_MONOTONIC);
    while (!stopping && !self->queue->err) {
        if (now_ms(CLOCK_MONOTONIC) >= look_at) {
            /* What a worker took and did not finish in time. */
            look_at = now_ms(CLOCK_MONOTONIC) + 1000;
            redisReply *left = redisCommand(
                self->queue, "XAUTOCLAIM %s " GROUP " %s " REDELIVER_AFTER_MS " 0-0 COUNT 5", self->stream, self->name);
            if (left && left->type == REDIS_REPLY_ARRAY && left->elements >= 2) work_off(self, left->element[1]);
            freeReplyObject(left);
        }
        redisReply *next = redisCommand(
            self->queue, "XREADGROUP GROUP " GROUP " %s COUNT 1 BLOCK 200 STREAMS %s >", self->name, self->stream);
        if (next && next->type == REDIS_REPLY_ARRAY && next->elements == 1) {
            work_off(self, next->element[0]->element[1]);
        }
        freeReplyObject(next);
    }
}

static quorlock_client *connect_nodes(const worker *self, char *list) {
    const char *nodes[NODES_MAX];
    size_t count = 0;
    for (char *node = strtok(list, ","); node && count < NODES_MAX; node = strtok(NULL, ",")) nodes[count++] = node;
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.ttl_ms = self->ttl_ms;
    options.fencing = QUORLOCK_FENCING_REQUIRED;
    options.owner = self->name;
    options.key_prefix = setting("QUORLOCK_KEY_PREFIX");
    quorlock_client *client = NULL;
    if (quorlock_client_connect(nodes, count, &options, &client) != QUORLOCK_OK) {
        fprintf(stderr, "%s: %s\n", self->name, quorlock_last_error_message());
        exit(2);
    }
    return client;
}

static redisContext *connect_queue(const char *url) {
    char host[128];
    int port = 0;
    if (sscanf(url, "redis://%127[^:]:%d", host, &port) != 2) {
        fprintf(stderr, "settlement: PAYMENTS_QUEUE must be redis://host:port\n");
        exit(2);
    }
    redisContext *queue = redisConnect(host, port);
    if (!queue || queue->err) {
        fprintf(stderr, "settlement: no queue at %s:%d\n", host, port);
        exit(1);
    }
    return queue;
}

int main(void) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    worker self = {
        .name = setting("PAYMENTS_WORKER"),
        .stream = setting("PAYMENTS_STREAM"),
        .locks = strcmp(setting("PAYMENTS_LOCKS"), "on") == 0,
        .ttl_ms = strtoull(setting("PAYMENTS_TTL_MS"), NULL, 10),
        .queue = connect_queue(setting("PAYMENTS_QUEUE")),
        .ledger = {.address = setting("PAYMENTS_LEDGER"), .socket = -1},
    };
    char *nodes = strdup(setting("QUORLOCK_NODES"));
    self.client = connect_nodes(&self, nodes);
    free(nodes);
    tell("ready", "", "");
    consume(&self);
    bool finished = false;
    quorlock_client_close(self.client, 5000, &finished);
    quorlock_client_free(self.client);
    redisFree(self.queue);
    return 0;
}
