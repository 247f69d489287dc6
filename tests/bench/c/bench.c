/* The C side of the benchmark: one order per line on stdin, one line of figures on stdout.
 *
 *     local COUNT        ns of: is_held, check, remaining, and an acquire + release without a network
 *     cycle LANES MS     acquire + release for so long: cycles, and the median in ns
 *     renew LEASES MS    hold so many leases: renewals, leases lost, CPU in us, and its least margin in us
 *
 * `bench URL…` are the nodes. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <quorlock.h>

#define SAMPLES_MAX 200000

static quorlock_client *client;

static void must(quorlock_status status) {
    if (status != QUORLOCK_OK) {
        fprintf(stderr, "%s\n", quorlock_last_error_message());
        exit(1);
    }
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sleep_ms(long ms) {
    struct timespec span = { ms / 1000, (ms % 1000) * 1000000 };
    nanosleep(&span, NULL);
}

static void cycle(quorlock_client *client, const char *name) {
    quorlock_guard *guard;
    must(quorlock_mutex_acquire(client, name, NULL, &guard));
    must(quorlock_guard_release(guard, NULL));
    must(quorlock_guard_free(guard));
}

static void local(long count) {
    const char *node = "memory://bench";
    quorlock_client *near;
    quorlock_guard *guard;
    uint64_t remaining_ms, held = 0, times[5];
    must(quorlock_client_connect(&node, 1, NULL, &near));
    must(quorlock_mutex_acquire(near, "local", NULL, &guard));
    times[0] = now_ns();
    for (long i = 0; i < count; i++) {
        held += quorlock_guard_is_held(guard);
    }
    times[1] = now_ns();
    for (long i = 0; i < count; i++) {
        must(quorlock_guard_check(guard));
    }
    times[2] = now_ns();
    for (long i = 0; i < count; i++) {
        must(quorlock_guard_remaining(guard, &remaining_ms));
    }
    times[3] = now_ns();
    for (long i = 0; i < count / 100; i++) {
        cycle(near, "cycle");
    }
    times[4] = now_ns();
    quorlock_guard_free(guard);
    quorlock_client_free(near);
    printf("%.1f %.1f %.1f %.1f\n", (double)(times[1] - times[0]) / (double)count,
           (double)(times[2] - times[1]) / (double)count, (double)(times[3] - times[2]) / (double)count,
           (double)(times[4] - times[3]) / (double)(count / 100));
    if (held != (uint64_t)count) {
        exit(1);
    }
}

typedef struct {
    uint64_t until;
    long lane, cycles;
    uint32_t *samples;
    long samples_max;
} lane;

static void *run_lane(void *argument) {
    lane *lane = argument;
    char name[32];
    snprintf(name, sizeof name, "c:%ld", lane->lane);
    for (uint64_t before = now_ns(); before < lane->until;) {
        cycle(client, name);
        uint64_t after = now_ns();
        if (lane->cycles < lane->samples_max) {
            lane->samples[lane->cycles] = (uint32_t)(after - before);
        }
        lane->cycles++;
        before = after;
    }
    return NULL;
}

static int by_size(const void *one, const void *other) {
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

static void cycles(long lane_count, long ms) {
    static uint32_t samples[SAMPLES_MAX];
    pthread_t *threads = calloc((size_t)lane_count, sizeof *threads);
    lane *lanes = calloc((size_t)lane_count, sizeof *lanes);
    long share = SAMPLES_MAX / lane_count, kept = 0, done = 0;
    uint64_t until = now_ns() + (uint64_t)ms * 1000000;
    for (long i = 0; i < lane_count; i++) {
        lanes[i] = (lane){ until, i, 0, samples + i * share, share };
        pthread_create(&threads[i], NULL, run_lane, &lanes[i]);
    }
    for (long i = 0; i < lane_count; i++) {
        pthread_join(threads[i], NULL);
        long mine = lanes[i].cycles < share ? lanes[i].cycles : share;
        memmove(samples + kept, lanes[i].samples, (size_t)mine * sizeof *samples);
        kept += mine;
        done += lanes[i].cycles;
    }
    qsort(samples, (size_t)kept, sizeof *samples, by_size);
    printf("%ld %" PRIu32 "\n", done, kept > 0 ? samples[kept / 2] : 0);
    free(threads);
    free(lanes);
}

static double cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void renew(long leases, long ms) {
    quorlock_guard **guards = calloc((size_t)leases, sizeof *guards);
    quorlock_stats before = QUORLOCK_STATS_INIT, after = QUORLOCK_STATS_INIT;
    for (long i = 0; i < leases; i++) {
        char name[32];
        snprintf(name, sizeof name, "c:lease:%ld", i);
        must(quorlock_mutex_acquire(client, name, NULL, &guards[i]));
    }
    must(quorlock_client_stats(client, &before));
    double cpu = cpu_us();
    sleep_ms(ms);
    cpu = cpu_us() - cpu;
    must(quorlock_client_stats(client, &after));
    long lost = 0;
    for (long i = 0; i < leases; i++) {
        lost += !quorlock_guard_is_held(guards[i]);
        must(quorlock_guard_free(guards[i]));
    }
    printf("%" PRIu64 " %ld %.0f %" PRIu64 "\n", after.renewed - before.renewed, lost, cpu,
           after.renewal_margin_min_us);
    free(guards);
}

int main(int argc, char **argv) {
    char line[128];
    long one, other;
    must(quorlock_client_connect((const char *const *)(argv + 1), (size_t)(argc - 1), NULL, &client));
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "local %ld", &one) == 1) {
            local(one);
        } else if (sscanf(line, "cycle %ld %ld", &one, &other) == 2) {
            cycles(one, other);
        } else if (sscanf(line, "renew %ld %ld", &one, &other) == 2) {
            renew(one, other);
        } else {
            fprintf(stderr, "not an order: %s", line);
            return 2;
        }
        fflush(stdout);
    }
    quorlock_client_close(client, 5000, NULL);
    quorlock_client_free(client);
    return 0;
}
