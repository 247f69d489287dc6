/* A client for the ledger's three calls: HTTP/1.1 over a connection that is kept. */

#include "ledger.h"

#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static bool connected(ledger *self) {
    if (self->socket >= 0) return true;
    char host[128];
    const char *colon = strrchr(self->address, ':');
    if (!colon || (size_t)(colon - self->address) >= sizeof host) return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - self->address), self->address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) return false;
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = 10};
    int on = 1;
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    self->socket = fd;
    return fd >= 0;
}

static ledger_state give_up(ledger *self) {
    if (self->socket >= 0) close(self->socket);
    self->socket = -1;
    return LEDGER_FAILED;
}

/* Sends `path` and reads the one line of the answer, whose length the ledger always tells. */
static bool post(ledger *self, const char *path, char *line, size_t size) {
    char request[512], answer[1024];
    int length = snprintf(request, sizeof request,
                          "POST %s HTTP/1.1\r\nHost: ledger\r\nContent-Length: 0\r\n\r\n", path);
    if (length < 0 || (size_t)length >= sizeof request || !connected(self)) return false;
    if (send(self->socket, request, (size_t)length, MSG_NOSIGNAL) != length) return false;
    size_t have = 0;
    for (;;) {
        ssize_t got = recv(self->socket, answer + have, sizeof answer - 1 - have, 0);
        if (got <= 0) return false;
        have += (size_t)got;
        answer[have] = '\0';
        char *body = strstr(answer, "\r\n\r\n");
        if (body && strchr(body + 4, '\n')) {
            if (strncmp(answer, "HTTP/1.1 200", 12) != 0) return false;
            snprintf(line, size, "%.*s", (int)strcspn(body + 4, "\n"), body + 4);
            return true;
        }
        if (have == sizeof answer - 1) return false;
    }
}

ledger_state ledger_begin(ledger *self, const char *order, uint64_t token, long *begun_out) {
    char path[256], line[64];
    snprintf(path, sizeof path, "/begin?order=%s&token=%" PRIu64, order, token);
    if (!post(self, path, line, sizeof line)) return give_up(self);
    const char *space = strchr(line, ' ');
    *begun_out = space ? strtol(space, NULL, 10) : 0;
    if (strncmp(line, "open ", 5) == 0) return LEDGER_OPEN;
    return strncmp(line, "charged ", 8) == 0 ? LEDGER_CHARGED : LEDGER_STALE;
}

ledger_state ledger_charge(ledger *self, const char *order, uint64_t token, const char *worker,
                           const char *amount_cents) {
    char path[256], line[64];
    snprintf(path, sizeof path, "/charge?order=%s&token=%" PRIu64 "&worker=%s&amount_cents=%s", order,
             token, worker, amount_cents);
    if (!post(self, path, line, sizeof line)) return give_up(self);
    return strcmp(line, "accepted") == 0 ? LEDGER_CHARGED : LEDGER_STALE;
}
