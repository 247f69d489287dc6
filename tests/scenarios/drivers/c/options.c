#include "options.h"

#include <math.h>
#include <string.h>

const char *string_of(const json *object, const char *key, bool *wrong) {
    const json *member = json_member(object, key);
    if (member == NULL) {
        return NULL;
    }
    if (member->kind != JSON_STRING || strlen(member->text) != member->length) {
        *wrong = true;
        return NULL;
    }
    return member->text;
}

uint64_t number_of(const json *object, const char *key, bool *wrong) {
    const json *member = json_member(object, key);
    if (member == NULL) {
        return QUORLOCK_UNSET;
    }
    if (member->kind != JSON_NUMBER || member->number != floor(member->number)) {
        *wrong = true;
        return QUORLOCK_UNSET;
    }
    if (member->number >= 9.2e18) {
        return UINT64_MAX;
    }
    /* A negative number becomes what C makes of it by itself. */
    return member->number <= -9.2e18 ? UINT64_MAX : (uint64_t)(int64_t)member->number;
}

static int32_t flag_of(const json *object, const char *key, bool *wrong) {
    const json *member = json_member(object, key);
    if (member == NULL) {
        return QUORLOCK_UNSET_FLAG;
    }
    if (member->kind != JSON_TRUE && member->kind != JSON_FALSE) {
        *wrong = true;
    }
    return member->kind == JSON_TRUE;
}

quorlock_client_options client_options(const json *given, bool *wrong) {
    static const char *const fencings[] = { "auto", "required", "off" };
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.ttl_ms = number_of(given, "ttl_ms", wrong);
    options.wait_ms = number_of(given, "wait_ms", wrong);
    options.hold_ms_max = number_of(given, "hold_ms_max", wrong);
    options.renewals_max = number_of(given, "renewals_max", wrong);
    options.node_timeout_ms = number_of(given, "node_timeout_ms", wrong);
    options.connect_timeout_ms = number_of(given, "connect_timeout_ms", wrong);
    options.ticket_retention_ms = number_of(given, "ticket_retention_ms", wrong);
    options.waiters_max = number_of(given, "waiters_max", wrong);
    options.renew = flag_of(given, "renew", wrong);
    options.tls_verify = flag_of(given, "tls_verify", wrong);
    options.key_prefix = string_of(given, "key_prefix", wrong);
    options.owner = string_of(given, "owner", wrong);
    options.tls_ca_pem = string_of(given, "tls_ca_pem", wrong);
    const char *fencing = string_of(given, "fencing", wrong);
    if (fencing != NULL) {
        options.fencing = 0;
        while (options.fencing < 3 && strcmp(fencing, fencings[options.fencing]) != 0) {
            options.fencing++;
        }
    }
    return options;
}

quorlock_acquire_options acquire_options(const json *given, bool *wrong) {
    quorlock_acquire_options options = QUORLOCK_ACQUIRE_OPTIONS_INIT;
    options.ttl_ms = number_of(given, "ttl_ms", wrong);
    options.wait_ms = number_of(given, "wait_ms", wrong);
    options.hold_ms_max = number_of(given, "hold_ms_max", wrong);
    options.renew = flag_of(given, "renew", wrong);
    return options;
}
