/* A tiny harness: checks that say what they saw, tests that run one after another, and a closing
 * line "N passed, N failed". Included once per program. */
#ifndef HARNESS_H
#define HARNESS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <quorlock.h>

static int checks_failed;

static void check(bool holds, const char *what, const char *file, int line) {
    if (!holds) {
        checks_failed++;
        printf("%s:%d: %s\n    last error: %s\n", file, line, what, quorlock_last_error_message());
    }
}

/* The condition holds. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
/* The call has this status. */
#define EXPECT(status, call) check((call) == (status), #call " is " #status, __FILE__, __LINE__)
/* The call succeeds. */
#define OK(call) EXPECT(QUORLOCK_OK, call)

/* Both texts are there and equal. */
static inline bool same(const char *one, const char *other) {
    return one != NULL && other != NULL && strcmp(one, other) == 0;
}

/* The calling thread's last error. */
static inline quorlock_error last_error(void) {
    quorlock_error error = QUORLOCK_ERROR_INIT;
    quorlock_last_error(&error);
    return error;
}

static inline void sleep_ms(long ms) {
    struct timespec span = { ms / 1000, (ms % 1000) * 1000000 };
    nanosleep(&span, NULL);
}

static inline int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The nodes the tests run over: those in QUORLOCK_NODES, or an embedded one. */
static const char *nodes[31];
static size_t node_count;

static void read_nodes(void) {
    const char *given = getenv("QUORLOCK_NODES");
    char *list = strdup(given != NULL ? given : "memory://c-tests");
    for (char *url = strtok(list, ", "); url != NULL && node_count < 31; url = strtok(NULL, ", ")) {
        nodes[node_count++] = url;
    }
}

/* A client over the nodes, with the options or NULL. */
static inline quorlock_client *connect_with(const quorlock_client_options *options) {
    quorlock_client *client = NULL;
    OK(quorlock_client_connect(nodes, node_count, options, &client));
    return client;
}

typedef struct {
    const char *name;
    void (*run)(void);
} test;

/* Runs the tests whose names contain the program's first argument, or all of them. */
static int run_tests(const test *tests, size_t count, int argc, char **argv) {
    int passed = 0, failed = 0;
    read_nodes();
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL) {
            continue;
        }
        checks_failed = 0;
        tests[i].run();
        printf("%s %s\n", checks_failed == 0 ? "ok    " : "FAILED", tests[i].name);
        if (checks_failed == 0) {
            passed++;
        } else {
            failed++;
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}

#define TEST(name) { #name, name }
#define RUN(tests) run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv)

#endif
