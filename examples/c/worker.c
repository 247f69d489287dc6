/* A worker of a queue in a Redis list: it adopts the lock that came with each job, does the work under
 * it, and releases. Start any number of them, and start one again under its name when it died.
 *
 *     QUORLOCK_NODES=redis://…,redis://…,redis://… QUEUE_URL=redis://127.0.0.1:6379 ./worker NAME
 *
 * A job is "TICKET ORDER": the publisher locked "settlement:ORDER", detached the lock to a ticket and
 * pushed both (`LPUSH settlements "TICKET ORDER"`). The queue delivers at least once: BLMOVE puts the job
 * into the worker's own list in one step, and it is taken out of there when the work is done. A worker
 * that comes back finds there what it had in hand when it died.
 *
 * The work is one write, to the hash "settled:ORDER", which accepts a fencing token only where it is
 * larger than the one it knows. WORK_MS is how long the work takes.
 */
#include <signal.h>
#include <stdarg.h>

#include <hiredis.h>

#include "example.h"

/* Writes unless a later holder has written; a holder that writes twice changes nothing. */
#define WRITE_FENCED                                                                     \
    "local known = redis.call('HGET', KEYS[1], 'token')\n"                               \
    "if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end\n"              \
    "redis.call('HSET', KEYS[1], 'token', ARGV[1], 'worker', ARGV[2])\n"                 \
    "redis.call('HINCRBY', KEYS[1], 'times', 1)\n"                                       \
    "return 1"

typedef enum { DONE, AGAIN } verdict;

typedef struct {
    const char *name;
    char hand[128]; /* the list of what this worker has in hand */
    long work_ms;
    redisContext *queue;
    quorlock_client *client;
} worker;

static volatile sig_atomic_t stopping;

static void stop(int number) {
    (void)number;
    stopping = 1;
}

/* One command to the queue's server; without that server there is nothing to work for. */
static redisReply *ask(worker *self, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(self->queue, format, arguments);
    va_end(arguments);
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "%s: queue: %s\n", self->name, reply == NULL ? self->queue->errstr : reply->str);
        exit(1);
    }
    return reply;
}

/* True where a node said this of the ticket that was refused. */
static bool said(const char *status) {
    quorlock_outcome outcome = QUORLOCK_OUTCOME_INIT;
    for (size_t i = 0; quorlock_last_error_outcome(i, &outcome) == QUORLOCK_OK; i++) {
        if (strcmp(outcome.status, status) == 0) {
            return true;
        }
    }
    return false;
}

/* The publisher's lock, or where its ticket has run out a new one. A guard in `guard_out`, or none and
 * what becomes of the job. */
static verdict take_lock(worker *self, const char *text, const char *order, quorlock_guard **guard_out) {
    char resource[256];
    quorlock_ticket *ticket;
    quorlock_status status = quorlock_ticket_decode(text, &ticket);
    *guard_out = NULL;
    if (status == QUORLOCK_OK) {
        status = quorlock_client_adopt(self->client, ticket, NULL, guard_out);
        quorlock_ticket_free(ticket);
        if (status == QUORLOCK_NOT_HELD && said("spent")) {
            printf("%s: %s was done before\n", self->name, order);
            return DONE;
        }
    }
    if (status == QUORLOCK_NOT_HELD || status == QUORLOCK_INVALID_ARGUMENT) {
        /* Run out in the queue, in use, or not a ticket: whoever gets the lock looks whether it is done. */
        printf("%s: %s without its ticket: %s\n", self->name, order, quorlock_last_error_message());
        snprintf(resource, sizeof resource, "settlement:%s", order);
        status = quorlock_mutex_try_acquire(self->client, resource, NULL, guard_out);
    }
    if (status != QUORLOCK_OK) {
        fprintf(stderr, "%s: %s later: %s\n", self->name, order, quorlock_last_error_message());
    }
    return AGAIN;
}

static bool is_settled(worker *self, const char *order) {
    redisReply *reply = ask(self, "HEXISTS settled:%s token", order);
    bool settled = reply->integer == 1;
    freeReplyObject(reply);
    return settled;
}

/* The work, under the lock. */
static verdict settle(worker *self, const char *order, const quorlock_guard *guard) {
    uint64_t token;
    if (is_settled(self, order)) {
        printf("%s: %s is settled already\n", self->name, order);
        return DONE;
    }
    sleep_ms(self->work_ms);
    /* The lock was renewed meanwhile. If it was lost all the same, the write must not happen. */
    if (quorlock_guard_check(guard) != QUORLOCK_OK ||
        quorlock_guard_fencing_token(guard, &token) != QUORLOCK_OK) {
        fprintf(stderr, "%s: %s: %s\n", self->name, order, quorlock_last_error_message());
        return AGAIN;
    }
    redisReply *reply = ask(self, "EVAL %s 1 settled:%s %llu %s", WRITE_FENCED, order,
                            (unsigned long long)token, self->name);
    printf("%s: %s %s\n", self->name, order, reply->integer == 1 ? "settled" : "came too late");
    freeReplyObject(reply);
    return DONE;
}

/* Does one job that is in this worker's hand, and takes it out of there. */
static void do_job(worker *self, const char *job) {
    verdict verdict = DONE;
    char *ticket = strdup(job), *order = strchr(ticket, ' ');
    if (order == NULL) {
        fprintf(stderr, "%s: not a job, dropped\n", self->name);
    } else {
        quorlock_guard *guard;
        *order++ = '\0';
        verdict = take_lock(self, ticket, order, &guard);
        if (guard != NULL) {
            verdict = settle(self, order, guard);
            /* Marks the ticket as used up, so that the job delivered again is refused. */
            if (quorlock_guard_release(guard, NULL) != QUORLOCK_OK) {
                fprintf(stderr, "%s: %s\n", self->name, quorlock_last_error_message());
            }
            quorlock_guard_free(guard);
        }
    }
    free(ticket);
    if (verdict == AGAIN) {
        /* Back to the end of the queue, in one step with leaving this hand. */
        freeReplyObject(ask(self, "MULTI"));
        freeReplyObject(ask(self, "LREM %s 1 %s", self->hand, job));
        freeReplyObject(ask(self, "LPUSH settlements %s", job));
        freeReplyObject(ask(self, "EXEC"));
        sleep_ms(100);
    } else {
        freeReplyObject(ask(self, "LREM %s 1 %s", self->hand, job));
    }
    fflush(stdout);
}

static void work(worker *self) {
    /* What it had in hand when it died. */
    redisReply *left = ask(self, "LRANGE %s 0 -1", self->hand);
    for (size_t i = 0; i < left->elements && !stopping; i++) {
        do_job(self, left->element[i]->str);
    }
    freeReplyObject(left);
    while (!stopping) {
        redisReply *next = ask(self, "BLMOVE settlements %s RIGHT LEFT 0.5", self->hand);
        if (next->type == REDIS_REPLY_STRING) {
            do_job(self, next->str);
        }
        freeReplyObject(next);
    }
}

static redisContext *connect_queue(const char *url) {
    char host[256];
    int port;
    if (url == NULL || sscanf(url, "redis://%255[^:]:%d", host, &port) != 2) {
        fprintf(stderr, "QUEUE_URL must be redis://host:port\n");
        exit(2);
    }
    redisContext *queue = redisConnect(host, port);
    if (queue == NULL || queue->err) {
        fprintf(stderr, "no queue at %s:%d: %s\n", host, port, queue == NULL ? "no memory" : queue->errstr);
        exit(2);
    }
    return queue;
}

int main(int argc, char **argv) {
    const char *work_ms = getenv("WORK_MS");
    if (argc != 2) {
        fprintf(stderr, "usage: %s NAME\n", argv[0]);
        return 2;
    }
    worker self = { .name = argv[1], .work_ms = work_ms == NULL ? 0 : atol(work_ms) };
    snprintf(self.hand, sizeof self.hand, "settlements:%s", self.name);
    self.queue = connect_queue(getenv("QUEUE_URL"));
    self.client = connect_client(self.name);
    /* The job in hand is finished first. */
    struct sigaction action = { .sa_handler = stop };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    work(&self);
    must(quorlock_client_close(self.client, 5000, NULL));
    quorlock_client_free(self.client);
    redisFree(self.queue);
    printf("%s: stopped\n", self.name);
    return 0;
}
