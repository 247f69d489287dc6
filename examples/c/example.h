/* What the examples share: the nodes to run over, and the end of a program whose call failed. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <quorlock.h>

/* Ends the program with the reason where a call did not go well. */
static inline void must(quorlock_status status) {
    if (status != QUORLOCK_OK) {
        fprintf(stderr, "%s\n", quorlock_last_error_message());
        exit(1);
    }
}

/* A client over the servers named in QUORLOCK_NODES (URLs with commas between them), or over an
 * embedded node of this process. `owner` is what `inspect` shows; NULL for nothing. */
static inline quorlock_client *connect_client(const char *owner) {
    const char *given = getenv("QUORLOCK_NODES"), *nodes[31];
    char *list = strdup(given != NULL ? given : "memory://examples");
    size_t count = 0;
    for (char *url = strtok(list, ", "); url != NULL && count < 31; url = strtok(NULL, ", ")) {
        nodes[count++] = url;
    }
    quorlock_client_options options = QUORLOCK_CLIENT_OPTIONS_INIT;
    options.owner = owner;
    quorlock_client *client;
    must(quorlock_client_connect(nodes, count, &options, &client));
    free(list);
    return client;
}

static inline void sleep_ms(long ms) {
    struct timespec span = { ms / 1000, (ms % 1000) * 1000000 };
    nanosleep(&span, NULL);
}

#endif
