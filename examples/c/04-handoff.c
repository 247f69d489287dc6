/* Hand a held lock to whoever does the work: the publisher locks, the consumer releases.
 *
 * Between the two there is no moment in which the resource is free, and of all who get the same
 * ticket, because a queue delivers at least once, one goes on with the lock. */
#include "example.h"

/* Why a ticket was refused. */
static void show_refusal(const char *when, quorlock_status status) {
    quorlock_error error = QUORLOCK_ERROR_INIT;
    if (status != QUORLOCK_NOT_HELD) {
        fprintf(stderr, "two consumers have one lock\n");
        exit(1);
    }
    must(quorlock_last_error(&error));
    printf("delivered %s: %s\n", when, error.message);
}

int main(void) {
    quorlock_client *publisher = connect_client(NULL), *consumer = connect_client(NULL);
    quorlock_client *twin = connect_client(NULL);
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.wait_ms = 10000;
    quorlock_guard *guard, *none;
    quorlock_ticket *ticket, *received;
    quorlock_ticket_info info = QUORLOCK_TICKET_INFO_INIT;
    uint64_t before, after;
    const char *text;

    must(quorlock_mutex_acquire(publisher, "example:payment:42", &options, &guard));
    must(quorlock_guard_fencing_token(guard, &before));
    /* Good for 30 s in the queue; the publisher's lock ends here. */
    must(quorlock_guard_detach(guard, 30000, &ticket));
    quorlock_guard_free(guard);
    must(quorlock_ticket_read(ticket, &info));
    printf("publisher: ticket %s for %s\n", info.id, info.resource);

    /* A secret like the lock itself: into the job's data with it, not into a log. */
    must(quorlock_ticket_encode(ticket, &text));

    must(quorlock_ticket_decode(text, &received));
    must(quorlock_client_adopt(consumer, received, NULL, &guard));
    must(quorlock_guard_fencing_token(guard, &after));
    printf("consumer: has the lock, and a larger token: %s\n", after > before ? "true" : "false");

    show_refusal("twice", quorlock_client_adopt(twin, received, NULL, &none));
    must(quorlock_guard_release(guard, NULL));
    quorlock_guard_free(guard);
    show_refusal("later", quorlock_client_adopt(twin, received, NULL, &none));

    quorlock_ticket_free(ticket);
    quorlock_ticket_free(received);
    quorlock_client_free(publisher);
    quorlock_client_free(consumer);
    quorlock_client_free(twin);
    return 0;
}
