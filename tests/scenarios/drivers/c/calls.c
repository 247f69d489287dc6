#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "named.h"
#include "options.h"

typedef struct {
    const json *fields;
    quorlock_canceller *canceller;
    buffer *out;
    bool wrong;
} call_of;

static quorlock_client *client_of(call_of *call) {
    return named_get(&clients, string_of(call->fields, "client", &call->wrong));
}

static quorlock_guard *guard_of(call_of *call) {
    return named_get(&guards, string_of(call->fields, "guard", &call->wrong));
}

static void put_bool(buffer *out, bool value) {
    put(out, value ? "true" : "false");
}

static void put_number(buffer *out, uint64_t number) {
    put(out, "%" PRIu64, number);
}

static void put_known(buffer *out, int64_t number) {
    if (number < 0) {
        put(out, "null");
    } else {
        put(out, "%" PRId64, number);
    }
}

/* A fencing token, of which 0 is none. */
static void put_token(buffer *out, uint64_t token) {
    if (token == 0) {
        put(out, "null");
    } else {
        put_number(out, token);
    }
}

static void put_loss(buffer *out, quorlock_loss loss) {
    put_string(out, loss == QUORLOCK_LOSS_NONE ? NULL : quorlock_loss_name((int32_t)loss));
}

/* The library logs nothing by itself: its events are what it has to say. */
static void log_event(const quorlock_event *event, void *user_data) {
    (void)user_data;
    fprintf(stderr, "%s %s %s after %" PRIu64 " us, %" PRIu32 " rounds\n", event->kind, event->resource,
            event->detail, event->span_us, event->attempts);
}

static quorlock_status connect_client(call_of *call) {
    const char *urls[64];
    size_t count = 0;
    const json *given = json_member(call->fields, "nodes");
    for (const json *url = given == NULL ? NULL : given->first; url != NULL && count < 64; url = url->next) {
        if (url->kind != JSON_STRING || strlen(url->text) != url->length) {
            return CANNOT_SAY;
        }
        urls[count++] = url->text;
    }
    quorlock_client_options options = client_options(json_member(call->fields, "options"), &call->wrong);
    const char *name = string_of(call->fields, "client", &call->wrong);
    if (call->wrong) {
        return CANNOT_SAY;
    }
    options.on_event = log_event;
    quorlock_client *client;
    quorlock_status status = quorlock_client_connect(urls, count, &options, &client);
    if (status == QUORLOCK_OK) {
        quorlock_client_free(named_set(&clients, name, client));
        put(call->out, "null");
    }
    return status;
}

/* Names a guard just won and tells of it. */
static quorlock_status put_guard(call_of *call, quorlock_guard *guard) {
    const char *resource;
    uint64_t token, remaining_ms;
    bool adopted;
    quorlock_guard_free(named_set(&guards, string_of(call->fields, "guard", &call->wrong), guard));
    quorlock_guard_resource(guard, &resource);
    quorlock_guard_fencing_token(guard, &token);
    quorlock_guard_remaining(guard, &remaining_ms);
    quorlock_status status = quorlock_guard_is_adopted(guard, &adopted);
    if (status == QUORLOCK_OK) {
        put(call->out, "{\"resource\":");
        put_string(call->out, resource);
        put(call->out, ",\"fencing_token\":");
        put_token(call->out, token);
        put(call->out, ",\"remaining_ms\":%" PRIu64 ",\"is_adopted\":%s}", remaining_ms,
            adopted ? "true" : "false");
    }
    return status;
}

static quorlock_status acquire(call_of *call) {
    quorlock_acquire_options options = acquire_options(json_member(call->fields, "options"), &call->wrong);
    const char *name = string_of(call->fields, "resource", &call->wrong);
    quorlock_guard *guard;
    if (call->wrong) {
        return CANNOT_SAY;
    }
    options.canceller = call->canceller;
    quorlock_status status = quorlock_mutex_acquire(client_of(call), name, &options, &guard);
    return status == QUORLOCK_OK ? put_guard(call, guard) : status;
}

static quorlock_status try_acquire(call_of *call) {
    quorlock_acquire_options options = acquire_options(json_member(call->fields, "options"), &call->wrong);
    const char *name = string_of(call->fields, "resource", &call->wrong);
    quorlock_guard *guard;
    if (call->wrong) {
        return CANNOT_SAY;
    }
    options.canceller = call->canceller;
    quorlock_status status = quorlock_mutex_try_acquire(client_of(call), name, &options, &guard);
    if (status == QUORLOCK_CONTENDED) {
        put(call->out, "null");
        return QUORLOCK_OK;
    }
    return status == QUORLOCK_OK ? put_guard(call, guard) : status;
}

static quorlock_status adopt(call_of *call) {
    quorlock_acquire_options options = acquire_options(json_member(call->fields, "options"), &call->wrong);
    const char *text = string_of(call->fields, "ticket", &call->wrong);
    quorlock_ticket *ticket;
    quorlock_guard *guard;
    if (call->wrong) {
        return CANNOT_SAY;
    }
    options.canceller = call->canceller;
    quorlock_status status = quorlock_ticket_decode(text, &ticket);
    if (status == QUORLOCK_OK) {
        status = quorlock_client_adopt(client_of(call), ticket, &options, &guard);
        quorlock_ticket_free(ticket);
    }
    return status == QUORLOCK_OK ? put_guard(call, guard) : status;
}

static quorlock_status cancel(call_of *call) {
    put(call->out, "null");
    return call_cancel(number_of(call->fields, "call", &call->wrong));
}

static quorlock_status is_held(call_of *call) {
    put_bool(call->out, quorlock_guard_is_held(guard_of(call)));
    return QUORLOCK_OK;
}

static quorlock_status remaining(call_of *call) {
    uint64_t remaining_ms;
    quorlock_status status = quorlock_guard_remaining(guard_of(call), &remaining_ms);
    put_number(call->out, remaining_ms);
    return status;
}

static quorlock_status check(call_of *call) {
    put(call->out, "null");
    return quorlock_guard_check(guard_of(call));
}

static quorlock_status loss(call_of *call) {
    quorlock_loss loss;
    quorlock_status status = quorlock_guard_loss(guard_of(call), &loss);
    put_loss(call->out, loss);
    return status;
}

static quorlock_status wait_lost(call_of *call) {
    quorlock_loss loss;
    uint64_t within_ms = number_of(call->fields, "within_ms", &call->wrong);
    quorlock_status status = quorlock_guard_wait_lost(guard_of(call), within_ms, &loss);
    put_loss(call->out, loss);
    /* Released or handed over while this waited: it was not lost. */
    return status == QUORLOCK_NOT_HELD ? QUORLOCK_OK : status;
}

static quorlock_status extend(call_of *call) {
    put(call->out, "null");
    return quorlock_guard_extend(guard_of(call));
}

static quorlock_status release(call_of *call) {
    quorlock_release_result result;
    quorlock_guard *guard = guard_of(call);
    quorlock_status status = quorlock_guard_release(guard, &result);
    put(call->out, "{\"result\":");
    put_string(call->out, quorlock_release_result_name((int32_t)result));
    put(call->out, ",\"nodes\":[");
    quorlock_outcome outcome = QUORLOCK_OUTCOME_INIT;
    for (size_t i = 0; status == QUORLOCK_OK; i++) {
        if (quorlock_guard_release_outcome(guard, i, &outcome) != QUORLOCK_OK) {
            break;
        }
        put(call->out, i == 0 ? "" : ",");
        put_string(call->out, outcome.node);
    }
    put(call->out, "]}");
    return status;
}

static quorlock_status drop(call_of *call) {
    put(call->out, "null");
    const char *name = string_of(call->fields, "guard", &call->wrong);
    return name == NULL ? CANNOT_SAY : quorlock_guard_free(named_set(&guards, name, NULL));
}

static quorlock_status detach(call_of *call) {
    quorlock_ticket *ticket;
    const char *text;
    uint64_t ttl_ms = number_of(call->fields, "ttl_ms", &call->wrong);
    if (call->wrong) {
        return CANNOT_SAY;
    }
    quorlock_status status = quorlock_guard_detach(guard_of(call), ttl_ms, &ticket);
    if (status == QUORLOCK_OK) {
        status = quorlock_ticket_encode(ticket, &text);
        put(call->out, "{\"ticket\":");
        put_string(call->out, text);
        put(call->out, "}");
        quorlock_ticket_free(ticket);
    }
    return status;
}

static quorlock_status read_ticket(call_of *call) {
    quorlock_ticket *ticket;
    quorlock_ticket_info info = QUORLOCK_TICKET_INFO_INIT;
    const char *text = string_of(call->fields, "ticket", &call->wrong);
    if (call->wrong) {
        return CANNOT_SAY;
    }
    quorlock_status status = quorlock_ticket_decode(text, &ticket);
    if (status == QUORLOCK_OK) {
        status = quorlock_ticket_read(ticket, &info);
        put(call->out, "{\"id\":");
        put_string(call->out, info.id);
        put(call->out, ",\"resource\":");
        put_string(call->out, info.resource);
        put(call->out, ",\"ttl_ms\":%" PRIu64 ",\"fencing_token\":", info.ttl_ms);
        put_token(call->out, info.fencing_token);
        put(call->out, "}");
        quorlock_ticket_free(ticket);
    }
    return status;
}

static quorlock_status inspect(call_of *call) {
    quorlock_inspection *inspection;
    quorlock_inspection_info info = QUORLOCK_INSPECTION_INFO_INIT;
    quorlock_node_view view = QUORLOCK_NODE_VIEW_INIT;
    const char *name = string_of(call->fields, "resource", &call->wrong);
    if (call->wrong) {
        return CANNOT_SAY;
    }
    quorlock_status status = quorlock_client_inspect(client_of(call), name, &inspection);
    if (status != QUORLOCK_OK) {
        return status;
    }
    quorlock_inspection_read(inspection, &info);
    put(call->out, "{\"holder\":");
    put_string(call->out, info.holder);
    put(call->out, ",\"quorum\":%zu,\"nodes\":[", info.quorum);
    for (size_t i = 0; i < info.node_count; i++) {
        status = quorlock_inspection_node(inspection, i, &view);
        put(call->out, "%s{\"node\":", i == 0 ? "" : ",");
        put_string(call->out, view.node);
        put(call->out, ",\"owner\":");
        put_string(call->out, view.owner);
        put(call->out, ",\"remaining_ms\":");
        put_known(call->out, view.remaining_ms);
        put(call->out, ",\"fencing_counter\":");
        put_token(call->out, view.fencing_counter);
        put(call->out, ",\"waiters\":");
        put_known(call->out, view.waiters);
        put(call->out, ",\"fault\":");
        put_string(call->out, view.fault);
        put(call->out, "}");
    }
    put(call->out, "]}");
    quorlock_inspection_free(inspection);
    return status;
}

static quorlock_status health(call_of *call) {
    quorlock_health *health;
    quorlock_health_info info = QUORLOCK_HEALTH_INFO_INIT;
    quorlock_node_health node = QUORLOCK_NODE_HEALTH_INIT;
    quorlock_warning warning = QUORLOCK_WARNING_INIT;
    quorlock_status status = quorlock_client_health(client_of(call), &health);
    if (status != QUORLOCK_OK) {
        return status;
    }
    quorlock_health_read(health, &info);
    put(call->out, "{\"has_quorum\":%s,\"quorum\":%zu,\"nodes\":[", info.has_quorum ? "true" : "false",
        info.quorum);
    for (size_t i = 0; i < info.node_count; i++) {
        status = quorlock_health_node(health, i, &node);
        put(call->out, "%s{\"node\":", i == 0 ? "" : ",");
        put_string(call->out, node.node);
        put(call->out, ",\"fault\":");
        put_string(call->out, node.fault);
        put(call->out, "}");
    }
    put(call->out, "],\"warnings\":[");
    for (size_t i = 0; i < info.warning_count; i++) {
        status = quorlock_health_warning(health, i, &warning);
        put(call->out, "%s{\"name\":", i == 0 ? "" : ",");
        put_string(call->out, warning.name);
        put(call->out, ",\"message\":");
        put_string(call->out, warning.message);
        put(call->out, "}");
    }
    put(call->out, "]}");
    quorlock_health_free(health);
    return status;
}

static quorlock_status stats(call_of *call) {
    quorlock_stats stats = QUORLOCK_STATS_INIT;
    quorlock_status status = quorlock_client_stats(client_of(call), &stats);
    put(call->out,
        "{\"acquired\":%" PRIu64 ",\"contended\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"renewed\":%" PRIu64
        ",\"lost\":%" PRIu64 ",\"released\":%" PRIu64 ",\"detached\":%" PRIu64 ",\"adopted\":%" PRIu64 "}",
        stats.acquired, stats.contended, stats.failed, stats.renewed, stats.lost, stats.released,
        stats.detached, stats.adopted);
    return status;
}

static quorlock_status close_client(call_of *call) {
    bool finished;
    uint64_t limit_ms = number_of(call->fields, "limit_ms", &call->wrong);
    quorlock_status status = quorlock_client_close(client_of(call), limit_ms, &finished);
    put_bool(call->out, finished);
    return status;
}

static quorlock_status hello(call_of *call) {
    put(call->out, "{\"language\":\"c\",\"variant\":\"blocking\",\"version\":");
    put_string(call->out, quorlock_version());
    put(call->out, "}");
    return QUORLOCK_OK;
}

static quorlock_status block(call_of *call) {
    uint64_t ms = number_of(call->fields, "ms", &call->wrong);
    if (call->wrong || ms == QUORLOCK_UNSET) {
        return CANNOT_SAY;
    }
    struct timespec span = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
    nanosleep(&span, NULL);
    put(call->out, "null");
    return QUORLOCK_OK;
}

static quorlock_status leave(call_of *call) {
    exit((int)number_of(call->fields, "code", &call->wrong));
}

quorlock_status call(const json *request, quorlock_canceller *canceller, buffer *out) {
    static const struct {
        const char *name;
        quorlock_status (*run)(call_of *);
    } calls[] = {
        { "hello", hello },         { "connect", connect_client }, { "acquire", acquire },
        { "adopt", adopt },         { "try_acquire", try_acquire }, { "cancel", cancel },
        { "is_held", is_held },     { "remaining", remaining },    { "check", check },
        { "loss", loss },           { "wait_lost", wait_lost },    { "extend", extend },
        { "release", release },     { "drop", drop },              { "detach", detach },
        { "ticket", read_ticket },  { "inspect", inspect },        { "health", health },
        { "stats", stats },         { "close", close_client },     { "block", block },
        { "exit", leave },
    };
    call_of now = { request, canceller, out, false };
    const char *name = string_of(request, "do", &now.wrong);
    for (size_t i = 0; name != NULL && i < sizeof calls / sizeof calls[0]; i++) {
        if (strcmp(name, calls[i].name) == 0) {
            return calls[i].run(&now);
        }
    }
    return NO_SUCH_CALL;
}

void put_last_error(buffer *out) {
    quorlock_error error = QUORLOCK_ERROR_INIT;
    quorlock_outcome outcome = QUORLOCK_OUTCOME_INIT;
    quorlock_last_error(&error);
    put(out, "{\"code\":");
    put_string(out, error.code);
    put(out, ",\"field\":");
    put_string(out, error.field);
    put(out, ",\"resource\":");
    put_string(out, error.resource);
    put(out, ",\"operation\":");
    put_string(out, error.operation);
    put(out, ",\"attempts\":%" PRIu32 ",\"message\":", error.attempts);
    put_string(out, error.message);
    put(out, ",\"outcomes\":[");
    for (size_t i = 0; i < error.outcome_count; i++) {
        quorlock_last_error_outcome(i, &outcome);
        put(out, "%s{\"node\":", i == 0 ? "" : ",");
        put_string(out, outcome.node);
        put(out, ",\"status\":");
        put_string(out, outcome.status);
        put(out, ",\"fault\":");
        put_string(out, outcome.fault);
        put(out, "}");
    }
    put(out, "]}");
}
