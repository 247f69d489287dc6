/* Eight threads use and free the same handles as they like: every call has a defined result, and the
 * library is whole afterwards. QUORLOCK_HAMMER_MS sets for how long. */
#include <pthread.h>
#include <stdatomic.h>

#include "harness.h"

#define THREADS 8
#define SHELVES 32

/* Handles that all threads take from and put to. */
static _Atomic(quorlock_client *) clients[SHELVES];
static _Atomic(quorlock_guard *) guards[SHELVES];
static _Atomic(quorlock_ticket *) tickets[SHELVES];
static _Atomic(quorlock_canceller *) cancellers[SHELVES];
static atomic_long calls, undefined, told;
static int64_t until;

static bool is_defined(quorlock_status status) {
    return strcmp(quorlock_status_name((int32_t)status), "QUORLOCK_UNKNOWN") != 0 && status != QUORLOCK_INTERNAL;
}

static void count(quorlock_status status) {
    atomic_fetch_add(&calls, 1);
    if (!is_defined(status)) {
        atomic_fetch_add(&undefined, 1);
    }
}

static void on_loss(quorlock_loss loss, void *user_data) {
    (void)loss;
    atomic_fetch_add((atomic_long *)user_data, 1);
}

static void on_event(const quorlock_event *event, void *user_data) {
    (void)event;
    atomic_fetch_add((atomic_long *)user_data, 1);
}

static uint32_t roll(uint32_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void connect_another(uint32_t shelf) {
    quorlock_client *client;
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.on_event = on_event;
    options.event_data = &told;
    count(quorlock_client_connect(nodes, node_count, &options, &client));
    quorlock_client *before = atomic_exchange(&clients[shelf], client);
    if (before != NULL) {
        count(quorlock_client_free(before));
    }
}

static void one_call(uint32_t *seed) {
    uint32_t shelf = roll(seed) % SHELVES;
    quorlock_client *client = atomic_load(&clients[roll(seed) % SHELVES]);
    quorlock_guard *guard = atomic_load(&guards[shelf]);
    quorlock_ticket *ticket = atomic_load(&tickets[shelf]);
    quorlock_canceller *canceller = atomic_load(&cancellers[shelf]);
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    quorlock_ticket_info info = QUORLOCK_TICKET_INFO_INIT;
    quorlock_stats stats = QUORLOCK_STATS_INIT;
    quorlock_error error = QUORLOCK_ERROR_INIT;
    quorlock_loss loss;
    quorlock_inspection *inspection;
    uint64_t number;
    char name[32];
    snprintf(name, sizeof name, "hammer:%u", roll(seed) % 8);
    options.wait_ms = roll(seed) % 4;
    options.ttl_ms = 10 + roll(seed) % 100;
    options.canceller = roll(seed) % 2 ? canceller : NULL;
    switch (roll(seed) % 20) {
    case 0: connect_another(shelf); break;
    case 1:
        count(quorlock_canceller_new(&canceller));
        count(quorlock_canceller_free(atomic_exchange(&cancellers[shelf], canceller)));
        break;
    case 2: count(quorlock_canceller_cancel(canceller)); break;
    case 3: case 4: case 5:
        count(quorlock_mutex_acquire(client, name, &options, &guard));
        count(quorlock_guard_free(atomic_exchange(&guards[shelf], guard)));
        break;
    case 6:
        count(quorlock_mutex_try_acquire(client, name, &options, &guard));
        count(quorlock_guard_free(atomic_exchange(&guards[shelf], guard)));
        break;
    case 7: count(quorlock_guard_release(guard, NULL)); break;
    case 8: count(quorlock_guard_extend(guard)); break;
    case 9: count(quorlock_guard_remaining(guard, &number)); break;
    case 10: count(quorlock_guard_on_lost(guard, on_loss, &told)); break;
    case 11: count(quorlock_guard_wait_lost(guard, roll(seed) % 4, &loss)); break;
    case 12: count(quorlock_guard_free(guard)); break;
    case 13:
        count(quorlock_guard_detach(guard, QUORLOCK_UNSET, &ticket));
        count(quorlock_ticket_free(atomic_exchange(&tickets[shelf], ticket)));
        break;
    case 14:
        count(quorlock_client_adopt(client, ticket, &options, &guard));
        count(quorlock_guard_free(atomic_exchange(&guards[shelf], guard)));
        break;
    case 15: count(quorlock_ticket_read(ticket, &info)); break;
    case 16: count(quorlock_client_stats(client, &stats)); break;
    case 17:
        count(quorlock_client_inspect(client, name, &inspection));
        count(quorlock_inspection_free(inspection));
        break;
    case 18: count(quorlock_last_error(&error)); break;
    default:
        quorlock_guard_is_held(guard);
        count(quorlock_guard_check(guard));
    }
}

static void *hammer(void *argument) {
    uint32_t seed = 2463534242u + (uint32_t)(uintptr_t)argument * 7919;
    while (now_ms() < until) {
        one_call(&seed);
    }
    return NULL;
}

static void eight_threads_on_the_same_handles(void) {
    const char *given = getenv("QUORLOCK_HAMMER_MS");
    pthread_t threads[THREADS];
    until = now_ms() + (given == NULL ? 2000 : atol(given));
    for (uint32_t shelf = 0; shelf < SHELVES; shelf++) {
        connect_another(shelf);
    }
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, hammer, (void *)i);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < SHELVES; i++) {
        quorlock_guard_free(guards[i]);
        quorlock_ticket_free(tickets[i]);
        quorlock_canceller_free(cancellers[i]);
        quorlock_client_free(clients[i]);
    }
    printf("%ld calls, %ld callbacks\n", calls, told);
    CHECK(undefined == 0 && calls > 100);
    /* All is given back: nobody holds a name that was fought for. */
    quorlock_client *client = connect_with(NULL);
    for (int i = 0; i < 8; i++) {
        char name[32];
        quorlock_guard *guard;
        snprintf(name, sizeof name, "hammer:%d", i);
        OK(quorlock_mutex_acquire(client, name, NULL, &guard));
        OK(quorlock_guard_free(guard));
    }
    OK(quorlock_client_free(client));
}

int main(int argc, char **argv) {
    static const test tests[] = { TEST(eight_threads_on_the_same_handles) };
    return RUN(tests);
}
