/* One holder at a time: ten threads add to a counter that is read, and written back a moment later.
 *
 * Without the lock most of the additions would be lost. Each thread has a client of its own, as if it
 * were a process of its own. */
#include <pthread.h>
#include <stdatomic.h>

#include "example.h"

static atomic_int balance;

static void *add_ten(void *unused) {
    (void)unused;
    quorlock_client *client = connect_client(NULL);
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.wait_ms = 10000;
    for (int i = 0; i < 10; i++) {
        /* Waits in a queue, first in, first out over all clients, for up to 10 s. */
        quorlock_guard *guard;
        must(quorlock_mutex_acquire(client, "example:account:7", &options, &guard));
        int seen = atomic_load(&balance);
        sleep_ms(1);
        /* An error if the lock was lost meanwhile: then the write must not happen. */
        must(quorlock_guard_check(guard));
        atomic_store(&balance, seen + 1);
        must(quorlock_guard_release(guard, NULL));
        quorlock_guard_free(guard);
    }
    quorlock_client_free(client);
    return NULL;
}

int main(void) {
    pthread_t threads[10];
    for (int i = 0; i < 10; i++) {
        pthread_create(&threads[i], NULL, add_ten, NULL);
    }
    for (int i = 0; i < 10; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("balance %d of 100\n", atomic_load(&balance));
    return 0;
}
