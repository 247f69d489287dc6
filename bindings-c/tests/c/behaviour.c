/* What every client sees: locks, guards, tickets, reports. Runs over any nodes. */
#include <pthread.h>

#include "harness.h"

static quorlock_acquire_options waiting(uint64_t wait_ms) {
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.wait_ms = wait_ms;
    return options;
}

static void a_lock_excludes_and_is_given_back(void) {
    quorlock_client *client = connect_with(NULL), *other = connect_with(NULL);
    quorlock_guard *guard, *none;
    uint64_t token, remaining_ms;
    const char *resource;
    bool adopted = true;

    OK(quorlock_mutex_acquire(client, "c:basic", NULL, &guard));
    CHECK(quorlock_guard_is_held(guard));
    OK(quorlock_guard_check(guard));
    OK(quorlock_guard_remaining(guard, &remaining_ms));
    CHECK(remaining_ms > 5000 && remaining_ms < 10000);
    OK(quorlock_guard_fencing_token(guard, &token));
    CHECK(token > 0);
    OK(quorlock_guard_is_adopted(guard, &adopted));
    CHECK(!adopted);
    OK(quorlock_guard_resource(guard, &resource));
    CHECK(same(resource, "c:basic"));
    OK(quorlock_guard_extend(guard));

    EXPECT(QUORLOCK_CONTENDED, quorlock_mutex_try_acquire(other, "c:basic", NULL, &none));
    CHECK(none == NULL);
    CHECK(same(last_error().operation, "try_acquire") && same(last_error().resource, "c:basic"));
    quorlock_acquire_options soon = waiting(50);
    EXPECT(QUORLOCK_TIMEOUT, quorlock_mutex_acquire(other, "c:basic", &soon, &none));
    CHECK(last_error().is_retryable && last_error().attempts > 0);
    soon.wait_ms = 0;
    EXPECT(QUORLOCK_CONTENDED, quorlock_mutex_acquire(other, "c:basic", &soon, &none));

    quorlock_release_result result;
    OK(quorlock_guard_release(guard, &result));
    CHECK(result == QUORLOCK_RELEASE_RESULT_RELEASED);
    OK(quorlock_guard_release(guard, &result));
    CHECK(result == QUORLOCK_RELEASE_RESULT_RELEASED);
    CHECK(!quorlock_guard_is_held(guard));
    EXPECT(QUORLOCK_NOT_HELD, quorlock_guard_check(guard));
    EXPECT(QUORLOCK_NOT_HELD, quorlock_guard_extend(guard));
    OK(quorlock_guard_remaining(guard, &remaining_ms));
    CHECK(remaining_ms == 0);
    OK(quorlock_guard_free(guard));

    uint64_t later = 0;
    OK(quorlock_mutex_try_acquire(other, "c:basic", NULL, &guard));
    OK(quorlock_guard_fencing_token(guard, &later));
    CHECK(later > token);
    OK(quorlock_guard_release(guard, NULL));
    OK(quorlock_guard_free(guard));
    OK(quorlock_client_free(client));
    OK(quorlock_client_free(other));
}

static void a_freed_guard_releases_in_the_background(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_guard *guard;
    OK(quorlock_mutex_acquire(client, "c:freed", NULL, &guard));
    OK(quorlock_guard_free(guard));
    quorlock_acquire_options soon = waiting(5000);
    OK(quorlock_mutex_acquire(client, "c:freed", &soon, &guard));
    OK(quorlock_guard_free(guard));
    OK(quorlock_client_free(client));
}

static void renewal_goes_on_while_the_program_sleeps(void) {
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.ttl_ms = 400;
    quorlock_client *client = connect_with(&options);
    quorlock_guard *guard;
    OK(quorlock_mutex_acquire(client, "c:renewed", NULL, &guard));
    sleep_ms(1200);
    CHECK(quorlock_guard_is_held(guard));
    OK(quorlock_guard_release(guard, NULL));
    OK(quorlock_guard_free(guard));
    quorlock_stats stats = QUORLOCK_STATS_INIT;
    OK(quorlock_client_stats(client, &stats));
    CHECK(stats.acquired == 1 && stats.released == 1 && stats.lost == 0);
    CHECK(stats.renewed >= 3 && stats.renewal_margin_min_us != QUORLOCK_UNSET);
    CHECK(stats.held_us >= 1200000);
    OK(quorlock_client_free(client));
}

typedef struct {
    pthread_mutex_t lock;
    int calls;
    quorlock_loss loss;
    quorlock_status from_inside;
    quorlock_client *client;
    quorlock_guard *guard;
    bool held_inside;
    bool is_main;
    pthread_t main;
} told;

static void note_loss(quorlock_loss loss, void *user_data) {
    told *told = user_data;
    quorlock_guard *none;
    pthread_mutex_lock(&told->lock);
    told->calls++;
    told->loss = loss;
    told->held_inside = quorlock_guard_is_held(told->guard);
    told->from_inside = quorlock_mutex_try_acquire(told->client, "c:inside", NULL, &none);
    told->is_main = pthread_equal(pthread_self(), told->main) != 0;
    pthread_mutex_unlock(&told->lock);
}

static void a_loss_is_told_once_to_everybody(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_guard *guard;
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.ttl_ms = 200;
    options.renew = 0;
    OK(quorlock_mutex_acquire(client, "c:lost", &options, &guard));
    told first = { .client = client, .guard = guard, .main = pthread_self() };
    told second = first;
    pthread_mutex_init(&first.lock, NULL);
    pthread_mutex_init(&second.lock, NULL);
    quorlock_loss loss;
    OK(quorlock_guard_loss(guard, &loss));
    CHECK(loss == QUORLOCK_LOSS_NONE);
    OK(quorlock_guard_on_lost(guard, note_loss, &first));
    OK(quorlock_guard_wait_lost(guard, 0, &loss));
    CHECK(loss == QUORLOCK_LOSS_NONE);
    OK(quorlock_guard_wait_lost(guard, 10000, &loss));
    CHECK(loss == QUORLOCK_LOSS_EXPIRED && same(quorlock_loss_name((int)loss), "expired"));
    CHECK(!quorlock_guard_is_held(guard));
    EXPECT(QUORLOCK_LEASE_LOST, quorlock_guard_check(guard));
    /* Lost already: told here and now. */
    OK(quorlock_guard_on_lost(guard, note_loss, &second));
    CHECK(second.calls == 1 && second.is_main && second.loss == QUORLOCK_LOSS_EXPIRED);
    quorlock_release_result result;
    OK(quorlock_guard_release(guard, &result));
    CHECK(result != QUORLOCK_RELEASE_RESULT_NONE);
    OK(quorlock_guard_free(guard));
    CHECK(first.calls == 1 && !first.is_main && !first.held_inside);
    CHECK(first.from_inside == QUORLOCK_INVALID_ARGUMENT);
    OK(quorlock_client_free(client));
}

static void slow_callback(quorlock_loss loss, void *user_data) {
    int *ended = user_data;
    (void)loss;
    sleep_ms(300);
    *ended = 1;
}

static void freeing_a_guard_waits_for_its_callback(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_guard *guard;
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.ttl_ms = 100;
    options.renew = 0;
    quorlock_loss loss;
    int ended = 0;
    OK(quorlock_mutex_acquire(client, "c:slow-callback", &options, &guard));
    OK(quorlock_guard_on_lost(guard, slow_callback, &ended));
    OK(quorlock_guard_wait_lost(guard, 10000, &loss));
    OK(quorlock_guard_free(guard));
    CHECK(ended == 0 || ended == 1);
    int before = ended;
    sleep_ms(500);
    /* Either it ran to its end before the guard was free, or it never ran. */
    CHECK(ended == before);
    OK(quorlock_client_free(client));
}

static void never_called(quorlock_loss loss, void *user_data) {
    (void)loss;
    *(int *)user_data = 1;
}

static void a_released_lock_is_not_lost(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_guard *guard;
    quorlock_loss loss;
    int called = 0;
    OK(quorlock_mutex_acquire(client, "c:not-lost", NULL, &guard));
    OK(quorlock_guard_on_lost(guard, never_called, &called));
    OK(quorlock_guard_release(guard, NULL));
    EXPECT(QUORLOCK_NOT_HELD, quorlock_guard_wait_lost(guard, 10000, &loss));
    OK(quorlock_guard_free(guard));
    CHECK(called == 0);
    OK(quorlock_client_free(client));
}

typedef struct {
    quorlock_client *client;
    quorlock_canceller *canceller;
    quorlock_guard *guard;
    quorlock_status status;
    char code[64];
} waiter;

static void *wait_for_it(void *argument) {
    waiter *waiter = argument;
    quorlock_acquire_options options = waiting(30000);
    options.canceller = waiter->canceller;
    waiter->status = quorlock_mutex_acquire(waiter->client, "c:cancel", &options, &waiter->guard);
    snprintf(waiter->code, sizeof waiter->code, "%s", quorlock_last_error_message());
    return NULL;
}

static void a_waiting_call_is_given_up_from_another_thread(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_canceller *canceller;
    quorlock_guard *holder, *next;
    pthread_t threads[3];
    waiter waiters[3];
    OK(quorlock_canceller_new(&canceller));
    OK(quorlock_mutex_acquire(client, "c:cancel", NULL, &holder));
    for (int i = 0; i < 3; i++) {
        waiters[i] = (waiter){ .client = client, .canceller = canceller };
        pthread_create(&threads[i], NULL, wait_for_it, &waiters[i]);
    }
    sleep_ms(100);
    int64_t before = now_ms();
    OK(quorlock_canceller_cancel(canceller));
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        CHECK(waiters[i].status == QUORLOCK_CANCELLED && waiters[i].guard == NULL);
        CHECK(strstr(waiters[i].code, "gave up") != NULL);
    }
    CHECK(now_ms() - before < 5000);
    /* It stays cancelled, and again changes nothing. */
    OK(quorlock_canceller_cancel(canceller));
    quorlock_acquire_options options = waiting(0);
    options.canceller = canceller;
    EXPECT(QUORLOCK_CANCELLED, quorlock_mutex_acquire(client, "c:cancel-late", &options, &next));
    OK(quorlock_guard_release(holder, NULL));
    OK(quorlock_guard_free(holder));
    options = waiting(5000);
    OK(quorlock_mutex_acquire(client, "c:cancel", &options, &next));
    OK(quorlock_guard_free(next));
    OK(quorlock_canceller_free(canceller));
    OK(quorlock_client_free(client));
}

static void a_canceller_that_is_not_used_changes_nothing(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_canceller *canceller;
    quorlock_guard *guard;
    OK(quorlock_canceller_new(&canceller));
    quorlock_acquire_options options = waiting(5000);
    options.canceller = canceller;
    OK(quorlock_mutex_acquire(client, "c:unused-canceller", &options, &guard));
    OK(quorlock_canceller_cancel(canceller));
    CHECK(quorlock_guard_is_held(guard));
    OK(quorlock_guard_free(guard));
    OK(quorlock_canceller_free(canceller));
    OK(quorlock_client_free(client));
}

static void a_ticket_carries_the_lock_over(void) {
    quorlock_client *publisher = connect_with(NULL), *consumer = connect_with(NULL);
    quorlock_guard *guard, *adopted, *none;
    quorlock_ticket *ticket, *read;
    quorlock_ticket_info info = QUORLOCK_TICKET_INFO_INIT;
    const char *text;
    uint64_t before, after;
    OK(quorlock_mutex_acquire(publisher, "c:hand:over", NULL, &guard));
    OK(quorlock_guard_fencing_token(guard, &before));
    OK(quorlock_guard_detach(guard, 30000, &ticket));
    CHECK(!quorlock_guard_is_held(guard));
    EXPECT(QUORLOCK_NOT_HELD, quorlock_guard_release(guard, NULL));
    EXPECT(QUORLOCK_NOT_HELD, quorlock_guard_detach(guard, QUORLOCK_UNSET, &read));
    CHECK(read == NULL);
    OK(quorlock_guard_free(guard));
    EXPECT(QUORLOCK_CONTENDED, quorlock_mutex_try_acquire(consumer, "c:hand:over", NULL, &none));

    OK(quorlock_ticket_encode(ticket, &text));
    OK(quorlock_ticket_decode(text, &read));
    OK(quorlock_ticket_read(read, &info));
    CHECK(same(info.resource, "c:hand:over") && strlen(info.id) == 24);
    CHECK(info.ttl_ms == 30000 && info.fencing_token == before);
    OK(quorlock_client_adopt(consumer, read, NULL, &adopted));
    bool is_adopted = false;
    OK(quorlock_guard_is_adopted(adopted, &is_adopted));
    OK(quorlock_guard_fencing_token(adopted, &after));
    CHECK(is_adopted && after > before);
    EXPECT(QUORLOCK_NOT_HELD, quorlock_client_adopt(publisher, ticket, NULL, &none));
    OK(quorlock_guard_release(adopted, NULL));
    OK(quorlock_guard_free(adopted));
    EXPECT(QUORLOCK_NOT_HELD, quorlock_client_adopt(publisher, ticket, NULL, &none));
    CHECK(same(last_error().operation, "adopt") && same(last_error().resource, "c:hand:over"));
    OK(quorlock_ticket_free(ticket));
    OK(quorlock_ticket_free(read));
    OK(quorlock_client_free(publisher));
    OK(quorlock_client_free(consumer));
}

static void an_inspection_shows_the_holder_on_every_node(void) {
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.owner = "worker seven";
    options.key_prefix = "c-prefix:";
    quorlock_client *client = connect_with(&options);
    quorlock_inspection *inspection;
    quorlock_inspection_info info = QUORLOCK_INSPECTION_INFO_INIT;
    quorlock_node_view view = QUORLOCK_NODE_VIEW_INIT;
    quorlock_guard *guard;
    OK(quorlock_client_inspect(client, "c:seen", &inspection));
    OK(quorlock_inspection_read(inspection, &info));
    CHECK(info.holder == NULL && same(info.resource, "c:seen"));
    CHECK(info.node_count == node_count && info.quorum == node_count / 2 + 1);
    OK(quorlock_inspection_node(inspection, 0, &view));
    CHECK(view.owner == NULL && view.remaining_ms == -1 && view.fault == NULL);
    OK(quorlock_inspection_free(inspection));

    OK(quorlock_mutex_acquire(client, "c:seen", NULL, &guard));
    OK(quorlock_client_inspect(client, "c:seen", &inspection));
    OK(quorlock_inspection_read(inspection, &info));
    CHECK(info.holder != NULL && strstr(info.holder, "/c/worker seven") != NULL);
    size_t shown = 0;
    for (size_t i = 0; i < info.node_count; i++) {
        OK(quorlock_inspection_node(inspection, i, &view));
        CHECK(view.node != NULL && strstr(nodes[i], "://") != NULL);
        if (same(view.owner, info.holder) && view.remaining_ms > 0 && view.fencing_counter > 0) {
            shown++;
        }
    }
    CHECK(shown >= info.quorum);
    EXPECT(QUORLOCK_INVALID_ARGUMENT, quorlock_inspection_node(inspection, info.node_count, &view));
    CHECK(view.node == NULL);
    OK(quorlock_inspection_free(inspection));
    OK(quorlock_guard_free(guard));
    OK(quorlock_client_free(client));
}

static void health_tells_of_every_node(void) {
    quorlock_client *client = connect_with(NULL);
    quorlock_health *health;
    quorlock_health_info info = QUORLOCK_HEALTH_INFO_INIT;
    quorlock_node_health node = QUORLOCK_NODE_HEALTH_INIT;
    quorlock_warning warning = QUORLOCK_WARNING_INIT;
    OK(quorlock_client_health(client, &health));
    OK(quorlock_health_read(health, &info));
    CHECK(info.has_quorum && info.node_count == node_count && info.quorum == node_count / 2 + 1);
    for (size_t i = 0; i < info.node_count; i++) {
        OK(quorlock_health_node(health, i, &node));
        CHECK(node.fault == NULL && node.node != NULL && node.server != NULL);
    }
    for (size_t i = 0; i < info.warning_count; i++) {
        OK(quorlock_health_warning(health, i, &warning));
        CHECK(strlen(warning.name) > 0 && strlen(warning.message) > strlen(warning.name));
    }
    CHECK(node_count > 2 || info.warning_count > 0);
    /* A program made before the struct grew gets what it knows, and nothing behind it. */
    quorlock_node_health old = QUORLOCK_NODE_HEALTH_INIT;
    old.size = offsetof(quorlock_node_health, guarded_ms);
    old.guarded_ms = 77;
    OK(quorlock_health_node(health, 0, &old));
    CHECK(old.node != NULL && old.guarded_ms == 77);
    EXPECT(QUORLOCK_INVALID_ARGUMENT, quorlock_health_node(health, info.node_count, &node));
    EXPECT(QUORLOCK_INVALID_ARGUMENT, quorlock_health_warning(health, info.warning_count, &warning));
    OK(quorlock_health_free(health));
    OK(quorlock_client_free(client));
}

typedef struct {
    pthread_mutex_t lock;
    char log[512];
    quorlock_client *client;
    quorlock_status from_inside;
} journal;

static void write_down(const quorlock_event *event, void *user_data) {
    journal *journal = user_data;
    if (same(event->kind, "renewed")) {
        return;
    }
    pthread_mutex_lock(&journal->lock);
    size_t length = strlen(journal->log);
    snprintf(journal->log + length, sizeof journal->log - length, "%s %s %s;", event->kind,
             event->resource, same(event->kind, "detached") ? "id" : event->detail);
    quorlock_guard *none;
    journal->from_inside = quorlock_mutex_acquire(journal->client, "c:inside", NULL, &none);
    pthread_mutex_unlock(&journal->lock);
}

static void events_tell_what_happened(void) {
    journal journal = { .from_inside = QUORLOCK_OK };
    pthread_mutex_init(&journal.lock, NULL);
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.on_event = write_down;
    options.event_data = &journal;
    journal.client = connect_with(&options);
    quorlock_guard *guard, *none;
    quorlock_ticket *ticket;
    OK(quorlock_mutex_acquire(journal.client, "c:told", NULL, &guard));
    EXPECT(QUORLOCK_CONTENDED, quorlock_mutex_try_acquire(journal.client, "c:told", NULL, &none));
    OK(quorlock_guard_detach(guard, QUORLOCK_UNSET, &ticket));
    OK(quorlock_guard_free(guard));
    OK(quorlock_client_adopt(journal.client, ticket, NULL, &guard));
    OK(quorlock_guard_release(guard, NULL));
    OK(quorlock_guard_free(guard));
    EXPECT(QUORLOCK_NOT_HELD, quorlock_client_adopt(journal.client, ticket, NULL, &none));
    OK(quorlock_ticket_free(ticket));
    OK(quorlock_client_free(journal.client));
    CHECK(same(journal.log, "acquired c:told ;contended c:told ;detached c:told id;adopted c:told ;"
                            "released c:told released;failed c:told QUORLOCK_NOT_HELD;"));
    CHECK(journal.from_inside == QUORLOCK_INVALID_ARGUMENT);
}

static void a_closed_client_says_so(void) {
    quorlock_client *client = connect_with(NULL), *other = connect_with(NULL);
    quorlock_guard *guard, *next;
    quorlock_stats stats = QUORLOCK_STATS_INIT;
    bool finished = false;
    OK(quorlock_mutex_acquire(client, "c:closing", NULL, &guard));
    OK(quorlock_client_close(client, 5000, &finished));
    CHECK(finished && !quorlock_guard_is_held(guard));
    OK(quorlock_mutex_try_acquire(other, "c:closing", NULL, &next));
    EXPECT(QUORLOCK_CLOSED, quorlock_mutex_acquire(client, "c:closing", NULL, &guard));
    EXPECT(QUORLOCK_CLOSED, quorlock_client_stats(client, &stats));
    OK(quorlock_client_close(client, 0, NULL));
    OK(quorlock_guard_free(next));
    OK(quorlock_client_free(client));
    OK(quorlock_client_free(other));
}

static void an_unreachable_majority_is_told_node_by_node(void) {
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.node_timeout_ms = 200;
    options.connect_timeout_ms = 300;
    const char *dead[] = { "redis://user:hunter2@127.0.0.1:1", "redis://127.0.0.1:2", "memory://alive" };
    quorlock_client *client;
    quorlock_guard *guard;
    OK(quorlock_client_connect(dead, 3, &options, &client));
    quorlock_acquire_options soon = waiting(500);
    EXPECT(QUORLOCK_QUORUM_UNAVAILABLE, quorlock_mutex_acquire(client, "c:dead", &soon, &guard));
    CHECK(guard == NULL);
    quorlock_error error = last_error();
    CHECK(error.outcome_count == 3 && same(error.code, "QUORLOCK_QUORUM_UNAVAILABLE"));
    CHECK(error.is_retryable && error.elapsed_us > 0 && error.field == NULL);
    quorlock_outcome outcome = QUORLOCK_OUTCOME_INIT;
    OK(quorlock_last_error_outcome(0, &outcome));
    CHECK(same(outcome.node, "redis://127.0.0.1:1") && same(outcome.status, "faulted"));
    CHECK(outcome.fault != NULL && outcome.detail != NULL);
    OK(quorlock_last_error_outcome(2, &outcome));
    CHECK(same(outcome.status, "granted") && outcome.fault == NULL);
    EXPECT(QUORLOCK_INVALID_ARGUMENT, quorlock_last_error_outcome(3, &outcome));
    /* Reading it changed nothing, and no password is in it. */
    CHECK(last_error().outcome_count == 3);
    CHECK(strstr(quorlock_last_error_message(), "hunter2") == NULL);
    OK(quorlock_client_free(client));
}

static void *read_other_error(void *argument) {
    quorlock_error error = QUORLOCK_ERROR_INIT;
    *(bool *)argument = quorlock_last_error(&error) == QUORLOCK_INVALID_ARGUMENT &&
                        same(quorlock_last_error_message(), "") &&
                        quorlock_guard_check(NULL) == QUORLOCK_INVALID_ARGUMENT &&
                        quorlock_last_error(&error) == QUORLOCK_OK && same(error.field, "guard");
    return NULL;
}

static void each_thread_has_its_own_last_error(void) {
    quorlock_ticket *none;
    EXPECT(QUORLOCK_INVALID_ARGUMENT, quorlock_ticket_decode("nonsense", &none));
    pthread_t thread;
    bool own = false;
    pthread_create(&thread, NULL, read_other_error, &own);
    pthread_join(thread, NULL);
    CHECK(own);
    CHECK(same(last_error().field, "ticket"));
    OK(quorlock_guard_free(NULL));
    CHECK(same(last_error().field, "ticket"));
}

static void versions_agree(void) {
    CHECK(same(quorlock_version(), QUORLOCK_VERSION));
    CHECK(quorlock_abi_version() >= QUORLOCK_ABI_VERSION);
    CHECK(same(quorlock_status_name(QUORLOCK_OK), "QUORLOCK_OK"));
    CHECK(same(quorlock_status_name(-3), "QUORLOCK_QUORUM_UNAVAILABLE"));
    CHECK(quorlock_status_is_retryable(QUORLOCK_TIMEOUT));
    CHECK(!quorlock_status_is_retryable(QUORLOCK_LEASE_LOST));
    CHECK(same(quorlock_release_result_name(QUORLOCK_RELEASE_RESULT_ALREADY_EXPIRED), "already_expired"));
    CHECK(same(quorlock_release_result_name(QUORLOCK_RELEASE_RESULT_STILL_HELD), "still_held"));
}

int main(int argc, char **argv) {
    static const test tests[] = {
        TEST(a_lock_excludes_and_is_given_back),
        TEST(a_freed_guard_releases_in_the_background),
        TEST(renewal_goes_on_while_the_program_sleeps),
        TEST(a_loss_is_told_once_to_everybody),
        TEST(freeing_a_guard_waits_for_its_callback),
        TEST(a_released_lock_is_not_lost),
        TEST(a_waiting_call_is_given_up_from_another_thread),
        TEST(a_canceller_that_is_not_used_changes_nothing),
        TEST(a_ticket_carries_the_lock_over),
        TEST(an_inspection_shows_the_holder_on_every_node),
        TEST(health_tells_of_every_node),
        TEST(events_tell_what_happened),
        TEST(a_closed_client_says_so),
        TEST(an_unreachable_majority_is_told_node_by_node),
        TEST(each_thread_has_its_own_last_error),
        TEST(versions_agree),
    };
    return RUN(tests);
}
