/* Work that takes longer than the lease: the engine renews it in the background.
 *
 * The ttl says how soon others may go on if this process dies, not how long the work may take. The
 * renewal has a thread of its own, so it goes on while this one is blocked, as it is here. */
#include "example.h"

/* Runs on the engine's thread: short, and without a call that waits. */
static void stop_working(quorlock_loss loss, void *user_data) {
    (void)user_data;
    fprintf(stderr, "stop working: %s\n", quorlock_loss_name((int32_t)loss));
}

int main(void) {
    quorlock_client *client = connect_client(NULL);
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.ttl_ms = 300;
    options.wait_ms = 10000;
    /* A process that hangs for ever shall not hold the lock for ever. */
    options.hold_ms_max = 60000;
    quorlock_guard *guard;
    must(quorlock_mutex_acquire(client, "example:report", &options, &guard));
    must(quorlock_guard_on_lost(guard, stop_working, NULL));

    for (uint64_t step = 1; step <= 4; step++) {
        uint64_t left_ms;
        sleep_ms(300);
        must(quorlock_guard_check(guard));
        must(quorlock_guard_remaining(guard, &left_ms));
        printf("%" PRIu64 " ms of work, valid for another %" PRIu64 " ms\n", step * options.ttl_ms, left_ms);
    }
    quorlock_release_result result;
    must(quorlock_guard_release(guard, &result));
    printf("held four times the ttl, then %s\n", quorlock_release_result_name((int32_t)result));
    quorlock_guard_free(guard);
    quorlock_client_free(client);
    return result == QUORLOCK_RELEASE_RESULT_RELEASED ? 0 : 1;
}
