/* What the generated matrix stands on: one world of live objects per call, out-parameters full of
 * poison, and the checks on what is left of it. */
#ifndef MATRIX_H
#define MATRIX_H

#include "harness.h"

#define POISON 0xa5

/* One of each kind of object, alive, and one of each that is dead. */
typedef struct {
    quorlock_client *client;
    quorlock_guard *guard;
    quorlock_canceller *canceller;
    quorlock_ticket *ticket;
    quorlock_inspection *inspection;
    quorlock_health *health;
    const char *text;
    const char *nodes[1];
} world;

static world dead;

static world make_world(void) {
    static int count;
    static char node[64];
    world made = { .nodes = { node } };
    quorlock_guard *handed;
    snprintf(node, sizeof node, "memory://matrix-%d", count++);
    OK(quorlock_client_connect(made.nodes, 1, NULL, &made.client));
    OK(quorlock_mutex_acquire(made.client, "held", NULL, &made.guard));
    OK(quorlock_mutex_acquire(made.client, "handed", NULL, &handed));
    OK(quorlock_guard_detach(handed, QUORLOCK_UNSET, &made.ticket));
    OK(quorlock_guard_free(handed));
    OK(quorlock_ticket_encode(made.ticket, &made.text));
    OK(quorlock_canceller_new(&made.canceller));
    OK(quorlock_client_inspect(made.client, "held", &made.inspection));
    OK(quorlock_client_health(made.client, &made.health));
    return made;
}

/* Frees what is left: a call may have freed one of them. */
static void end_world(world *made) {
    quorlock_guard_free(made->guard);
    quorlock_ticket_free(made->ticket);
    quorlock_canceller_free(made->canceller);
    quorlock_inspection_free(made->inspection);
    quorlock_health_free(made->health);
    quorlock_client_free(made->client);
}

static void on_loss(quorlock_loss loss, void *user_data) {
    (void)loss;
    (void)user_data;
}

static bool is_all(const void *place, unsigned char byte, size_t size) {
    const unsigned char *at = place;
    for (size_t i = 0; i < size; i++) {
        if (at[i] != byte) {
            return false;
        }
    }
    return true;
}

/* After a call: blank where it failed, written where it did not. `from` skips a struct's size. */
static void check_out(const char *what, quorlock_status status, const void *place, size_t from, size_t size) {
    const unsigned char *at = (const unsigned char *)place + from;
    bool good = status == QUORLOCK_OK ? !is_all(at, POISON, size - from) : is_all(at, 0, size - from);
    if (!good) {
        checks_failed++;
        printf("%s: an out-parameter is %s\n", what, status == QUORLOCK_OK ? "not written" : "not blank");
    }
    if (((const unsigned char *)place)[size] != POISON) {
        checks_failed++;
        printf("%s: written beyond an out-parameter\n", what);
    }
}

static void check_status(const char *what, int expected, int status) {
    if (status != expected) {
        checks_failed++;
        printf("%s: %s, not %s (%s)\n", what, quorlock_status_name(status), quorlock_status_name(expected),
               quorlock_last_error_message());
    }
}

#endif
