/* The driver of C: one request per line, each served by a thread of its own; see DRIVER.md. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "named.h"
#include "options.h"

static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

typedef struct {
    json *fields;
    uint64_t id;
    quorlock_canceller *canceller;
} request;

static void reply(uint64_t id, const char *kind, const char *value) {
    pthread_mutex_lock(&output);
    printf("{\"id\":%" PRIu64 ",\"%s\":%s}\n", id, kind, value);
    fflush(stdout);
    pthread_mutex_unlock(&output);
}

static void *serve(void *argument) {
    request *request = argument;
    buffer out = { 0 };
    put(&out, "%s", "");
    quorlock_status status = call(request->fields, request->canceller, &out);
    if (request->canceller != NULL) {
        call_end(request->id);
    }
    if (status == QUORLOCK_OK) {
        reply(request->id, "ok", out.text);
    } else if (status == NO_SUCH_CALL || status == CANNOT_SAY) {
        const char *why = status == CANNOT_SAY ? "C cannot say that" : "no such call";
        out.length = 0;
        put(&out,
            "{\"code\":\"DRIVER\",\"field\":null,\"resource\":null,\"operation\":null,\"attempts\":0,"
            "\"message\":\"%s\",\"outcomes\":[]}",
            why);
        reply(request->id, "error", out.text);
    } else {
        out.length = 0;
        put_last_error(&out);
        reply(request->id, "error", out.text);
    }
    free(out.text);
    json_free(request->fields);
    free(request);
    return NULL;
}

static bool can_wait(const json *fields) {
    bool wrong = false;
    const char *name = string_of(fields, "do", &wrong);
    return name != NULL && (strcmp(name, "acquire") == 0 || strcmp(name, "try_acquire") == 0 ||
                            strcmp(name, "adopt") == 0);
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 256 * 1024);
    while (getline(&line, &room, stdin) > 0) {
        bool wrong = false;
        json *fields = json_read(line);
        uint64_t id = number_of(fields, "id", &wrong);
        if (fields == NULL || wrong || id == QUORLOCK_UNSET) {
            fprintf(stderr, "not a request: %s", line);
            json_free(fields);
            continue;
        }
        request *next = malloc(sizeof *next);
        /* Before the next line is read, which may cancel this one. */
        quorlock_canceller *canceller = can_wait(fields) ? call_begin(id) : NULL;
        *next = (request){ fields, id, canceller };
        pthread_t thread;
        if (pthread_create(&thread, &detached, serve, next) != 0) {
            serve(next);
        }
    }
    free(line);
    for (quorlock_client *client; (client = named_take(&clients)) != NULL;) {
        quorlock_client_close(client, 2000, NULL);
        quorlock_client_free(client);
    }
    return 0;
}
