/* A forked child neither extends nor releases what its parent holds, never hangs, and works on with
 * clients made before and after the fork. QUORLOCK_FORKS sets how many children each test has. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* Under AddressSanitizer: what the parent's threads had in hand is lost in a child, by design. */
const char *__asan_default_options(void);

const char *__asan_default_options(void) {
    return "detect_leaks=0";
}

static quorlock_client *client;
static quorlock_guard *guard;
static quorlock_canceller *canceller;

static int forks(void) {
    const char *given = getenv("QUORLOCK_FORKS");
    return given == NULL ? 8 : atoi(given);
}

/* What a child sees; its exit code tells whether all of it was right. */
static void in_child(int number) {
    char name[64];
    quorlock_guard *mine = NULL;
    quorlock_ticket *ticket;
    quorlock_loss loss;
    uint64_t remaining_ms;
    checks_failed = 0;
    CHECK(!quorlock_guard_is_held(guard));
    EXPECT(QUORLOCK_FORKED, quorlock_guard_check(guard));
    EXPECT(QUORLOCK_FORKED, quorlock_guard_remaining(guard, &remaining_ms));
    EXPECT(QUORLOCK_FORKED, quorlock_guard_extend(guard));
    EXPECT(QUORLOCK_FORKED, quorlock_guard_release(guard, NULL));
    EXPECT(QUORLOCK_FORKED, quorlock_guard_detach(guard, QUORLOCK_UNSET, &ticket));
    EXPECT(QUORLOCK_FORKED, quorlock_guard_wait_lost(guard, 100, &loss));
    EXPECT(QUORLOCK_FORKED, quorlock_canceller_cancel(canceller));
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.canceller = canceller;
    EXPECT(QUORLOCK_FORKED, quorlock_mutex_acquire(client, "c:fork:cancelled", &options, &mine));
    /* The parent's client, on connections of the child's own. */
    options = (quorlock_acquire_options)QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.wait_ms = 10000;
    snprintf(name, sizeof name, "c:fork:%d:%d", (int)getpid(), number);
    OK(quorlock_mutex_acquire(client, name, &options, &mine));
    CHECK(quorlock_guard_is_held(mine));
    OK(quorlock_guard_release(mine, NULL));
    OK(quorlock_guard_free(mine));
    /* A client of its own. */
    quorlock_client *fresh = connect_with(NULL);
    OK(quorlock_mutex_acquire(fresh, name, &options, &mine));
    if (number % 2 == 0) {
        /* Half of the children free everything, the other half just ends. */
        OK(quorlock_guard_free(mine));
        OK(quorlock_client_close(fresh, 1000, NULL));
        OK(quorlock_client_free(fresh));
        OK(quorlock_guard_free(guard));
        OK(quorlock_canceller_free(canceller));
        OK(quorlock_client_free(client));
    }
    fflush(stdout);
    exit(checks_failed == 0 ? 0 : 3);
}

/* Forks, and waits for the child's end, which has to come. */
static void one_child(int number) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        in_child(number);
    }
    int status = 0;
    int64_t limit = now_ms() + 60000;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (now_ms() > limit) {
            printf("child %d hangs\n", (int)child);
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            break;
        }
        sleep_ms(2);
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void begin(uint64_t ttl_ms) {
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.ttl_ms = ttl_ms;
    client = connect_with(&options);
    quorlock_acquire_options waiting = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    waiting.wait_ms = 10000;
    OK(quorlock_mutex_acquire(client, "c:fork:held", &waiting, &guard));
    OK(quorlock_canceller_new(&canceller));
}

/* The parent still holds its lock on a majority, as the nodes show it, and gives it back itself. */
static void end(void) {
    quorlock_inspection *inspection;
    quorlock_inspection_info info = QUORLOCK_INSPECTION_INFO_INIT;
    quorlock_release_result result;
    char mine[32];
    snprintf(mine, sizeof mine, "/%d/c/", (int)getpid());
    OK(quorlock_guard_check(guard));
    OK(quorlock_client_inspect(client, "c:fork:held", &inspection));
    OK(quorlock_inspection_read(inspection, &info));
    CHECK(info.holder != NULL && strstr(info.holder, mine) != NULL);
    OK(quorlock_inspection_free(inspection));
    OK(quorlock_guard_release(guard, &result));
    CHECK(result == QUORLOCK_RELEASE_RESULT_RELEASED);
    OK(quorlock_guard_free(guard));
    OK(quorlock_canceller_free(canceller));
    OK(quorlock_client_free(client));
}

static void while_idle(void) {
    begin(30000);
    for (int i = 0; i < forks(); i++) {
        one_child(i);
    }
    end();
}

static void while_renewing(void) {
    /* Short leases of many locks, so that a renewal is under way at most moments. */
    quorlock_guard *others[50];
    begin(3000);
    for (int i = 0; i < 50; i++) {
        char name[64];
        snprintf(name, sizeof name, "c:fork:renewed:%d", i);
        quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
        options.ttl_ms = 3000;
        options.wait_ms = 10000;
        OK(quorlock_mutex_acquire(client, name, &options, &others[i]));
    }
    for (int i = 0; i < forks(); i++) {
        one_child(i);
    }
    for (int i = 0; i < 50; i++) {
        OK(quorlock_guard_check(others[i]));
        OK(quorlock_guard_free(others[i]));
    }
    end();
}

static volatile bool stop;

static void *acquire_on(void *argument) {
    char name[64];
    snprintf(name, sizeof name, "c:fork:busy:%ld", (long)(intptr_t)argument);
    while (!stop) {
        quorlock_guard *busy;
        quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
        options.wait_ms = 50;
        options.canceller = canceller;
        if (quorlock_mutex_acquire(client, argument == NULL ? "c:fork:held" : name, &options, &busy) ==
            QUORLOCK_OK) {
            quorlock_guard_release(busy, NULL);
            quorlock_guard_free(busy);
        }
    }
    return NULL;
}

static void while_acquiring(void) {
    pthread_t threads[4];
    begin(30000);
    stop = false;
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, acquire_on, (void *)(intptr_t)i);
    }
    for (int i = 0; i < forks(); i++) {
        one_child(i);
    }
    stop = true;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    end();
}

static void before_anything_was_used(void) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        client = connect_with(NULL);
        OK(quorlock_mutex_acquire(client, "c:fork:first", NULL, &guard));
        OK(quorlock_guard_free(guard));
        OK(quorlock_client_close(client, 5000, NULL));
        exit(checks_failed == 0 ? 0 : 3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(before_anything_was_used),
        TEST(while_idle),
        TEST(while_renewing),
        TEST(while_acquiring),
    };
    return RUN(tests);
}
