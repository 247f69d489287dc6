/* The store has the last word: a holder that comes too late is refused by its token.
 *
 * No lock service can stop a process that sleeps between its last look at the lock and its write.
 * Tokens only grow, so a store that remembers the largest can tell who is late. */
#include "example.h"

/* A store that remembers the largest token it has seen. */
typedef struct {
    uint64_t last;
    const char *text;
} store;

/* Writes unless a later holder has written. A database does the same in one statement:
 * UPDATE … SET text = $1, token = $2 WHERE id = $3 AND token < $2 */
static bool write_text(store *store, quorlock_guard *guard, const char *text) {
    uint64_t token;
    must(quorlock_guard_fencing_token(guard, &token));
    if (token <= store->last) {
        return false;
    }
    store->last = token;
    store->text = text;
    return true;
}

int main(void) {
    quorlock_client *slow = connect_client(NULL), *quick = connect_client(NULL);
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.wait_ms = 10000;
    quorlock_acquire_options brief = options;
    store store = { 0, "nothing" };
    quorlock_guard *late, *guard;
    quorlock_loss loss;

    /* Without renewal, as if the process were paused before the renewal could run. */
    brief.ttl_ms = 100;
    brief.renew = 0;
    must(quorlock_mutex_acquire(slow, "example:document", &brief, &late));
    must(quorlock_guard_wait_lost(late, 10000, &loss));
    printf("slow: %s\n", quorlock_loss_name((int32_t)loss));

    must(quorlock_mutex_acquire(quick, "example:document", &options, &guard));
    printf("quick: written %s\n", write_text(&store, guard, "by quick") ? "true" : "false");
    must(quorlock_guard_release(guard, NULL));

    /* It did not look, or looked before the pause: the store knows better. */
    printf("slow: written %s\n", write_text(&store, late, "by slow") ? "true" : "false");
    printf("stored: %s\n", store.text);
    quorlock_guard_free(guard);
    quorlock_guard_free(late);
    quorlock_client_free(slow);
    quorlock_client_free(quick);
    return 0;
}
