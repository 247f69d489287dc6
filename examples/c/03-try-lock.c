/* Do not wait: a job that somebody else does already need not be done again.
 *
 * That somebody else holds the lock is QUORLOCK_CONTENDED; that too few servers answer is another
 * status, QUORLOCK_QUORUM_UNAVAILABLE. */
#include "example.h"

static void show_holder(quorlock_client *client, const char *job) {
    quorlock_inspection *inspection;
    quorlock_inspection_info info = QUORLOCK_INSPECTION_INFO_INIT;
    must(quorlock_client_inspect(client, job, &inspection));
    must(quorlock_inspection_read(inspection, &info));
    /* The text lives until the inspection is freed. */
    printf("scheduler 2: nothing to do, held by %s\n", info.holder != NULL ? info.holder : "nobody");
    quorlock_inspection_free(inspection);
}

int main(void) {
    /* Two schedulers, as on two machines. */
    quorlock_client *first = connect_client("scheduler 1"), *second = connect_client("scheduler 2");
    quorlock_guard *guard, *other;
    const char *job = "example:nightly-report";

    quorlock_status status = quorlock_mutex_try_acquire(first, job, NULL, &guard);
    if (status == QUORLOCK_CONTENDED) {
        printf("another run of this example is at it\n");
        return 0;
    }
    must(status);
    printf("scheduler 1: starts the report\n");

    status = quorlock_mutex_try_acquire(second, job, NULL, &other);
    if (status == QUORLOCK_CONTENDED) {
        show_holder(second, job);
    } else {
        must(status);
        printf("scheduler 2: starts the report as well, which must not be\n");
    }

    must(quorlock_guard_release(guard, NULL));
    quorlock_guard_free(guard);
    status = quorlock_mutex_try_acquire(second, job, NULL, &other);
    printf("scheduler 2: %s\n", status == QUORLOCK_OK ? "free again" : "still held");
    quorlock_guard_free(other);
    /* Gives back at once what a freed guard would give back in the background. */
    must(quorlock_client_close(second, 1000, NULL));
    quorlock_client_free(first);
    quorlock_client_free(second);
    return 0;
}
