/* Handles that were never given out, are of another kind, or were freed: found out, every one. */
#include <pthread.h>

#include "harness.h"

static uint64_t state = 88172645463325252u;

static uint64_t roll(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void *forged(uint64_t number) {
    return (void *)(uintptr_t)number;
}

/* One function of each kind of handle, by number. */
static quorlock_status use(unsigned kind, void *handle) {
    uint64_t number;
    const char *text;
    quorlock_ticket_info ticket = QUORLOCK_TICKET_INFO_INIT;
    quorlock_inspection_info inspection = QUORLOCK_INSPECTION_INFO_INIT;
    quorlock_health_info health = QUORLOCK_HEALTH_INFO_INIT;
    quorlock_stats stats = QUORLOCK_STATS_INIT;
    switch (kind % 12) {
    case 0: return quorlock_client_stats(handle, &stats);
    case 1: return quorlock_guard_remaining(handle, &number);
    case 2: return quorlock_canceller_cancel(handle);
    case 3: return quorlock_ticket_read(handle, &ticket);
    case 4: return quorlock_inspection_read(handle, &inspection);
    case 5: return quorlock_health_read(handle, &health);
    case 6: return quorlock_guard_resource(handle, &text);
    case 7: return quorlock_guard_release(handle, NULL);
    case 8: return quorlock_ticket_encode(handle, &text);
    case 9: return quorlock_guard_extend(handle);
    case 10: return quorlock_guard_check(handle);
    default: return quorlock_client_close(handle, 0, NULL);
    }
}

static void a_million_forged_handles_are_refused(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_guard *guard;
    quorlock_canceller *canceller;
    OK(quorlock_mutex_acquire(client, "c:forged", NULL, &guard));
    OK(quorlock_canceller_new(&canceller));
    uint64_t live[] = { (uintptr_t)client, (uintptr_t)guard, (uintptr_t)canceller };
    long refused = 0, tried = 0;
    for (long i = 0; tried < 1000000; i++) {
        uint64_t number = roll();
        switch (i % 4) {
        case 0: break;
        /* An address of this program. */
        case 1: number = (uintptr_t)&live + number % 4096; break;
        /* One bit of a live handle is wrong. */
        case 2: number = live[number % 3] ^ (UINT64_C(1) << (number >> 32) % 64); break;
        /* The kinds and slots of live handles, in other generations. */
        default: number = (live[number % 3] & UINT64_C(0xf000000000ffffff)) | (number & UINT64_C(0x0ffffffff0000000));
        }
        if (number == live[0] || number == live[1] || number == live[2]) {
            continue;
        }
        tried++;
        refused += use((unsigned)(roll() >> 40), forged(number)) == QUORLOCK_INVALID_ARGUMENT;
    }
    CHECK(refused == tried);
    CHECK(quorlock_guard_is_held(guard));
    OK(quorlock_guard_release(guard, NULL));
    OK(quorlock_guard_free(guard));
    OK(quorlock_canceller_free(canceller));
    OK(quorlock_client_free(client));
}

static void a_freed_handle_stays_dead(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_guard *guards[64], *next;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 64; i++) {
            char name[32];
            snprintf(name, sizeof name, "c:freed:%d", i);
            quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
            options.wait_ms = 5000;
            OK(quorlock_mutex_acquire(client, name, &options, &next));
            /* The slot of the one freed a round ago is in use again; its handle is not. */
            if (round > 0) {
                CHECK(guards[i] != next);
                EXPECT(QUORLOCK_INVALID_ARGUMENT, quorlock_guard_free(guards[i]));
                CHECK(!quorlock_guard_is_held(guards[i]));
            }
            guards[i] = next;
        }
        for (int i = 0; i < 64; i++) {
            OK(quorlock_guard_free(guards[i]));
            EXPECT(QUORLOCK_INVALID_ARGUMENT, quorlock_guard_free(guards[i]));
        }
    }
    OK(quorlock_client_free(client));
    EXPECT(QUORLOCK_INVALID_ARGUMENT, quorlock_client_free(client));
    CHECK(same(last_error().field, "client"));
}

static quorlock_client *shared_client;
static quorlock_guard *volatile shared_guard;

static void *free_at_once(void *argument) {
    *(quorlock_status *)argument = quorlock_guard_free(shared_guard);
    return NULL;
}

static void one_of_two_frees_wins(void) {
    shared_client = connect_with(NULL);
    for (int round = 0; round < 200; round++) {
        quorlock_guard *guard;
        quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
        options.wait_ms = 5000;
        OK(quorlock_mutex_acquire(shared_client, "c:twice", &options, &guard));
        shared_guard = guard;
        pthread_t threads[4];
        quorlock_status statuses[4];
        int freed = 0, refused = 0;
        for (int i = 0; i < 4; i++) {
            pthread_create(&threads[i], NULL, free_at_once, &statuses[i]);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            freed += statuses[i] == QUORLOCK_OK;
            refused += statuses[i] == QUORLOCK_INVALID_ARGUMENT;
        }
        CHECK(freed == 1 && refused == 3);
    }
    OK(quorlock_client_free(shared_client));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_million_forged_handles_are_refused),
        TEST(a_freed_handle_stays_dead),
        TEST(one_of_two_frees_wins),
    };
    return RUN(tests);
}
