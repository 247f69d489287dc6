/* What a user's first program does, built against an installed library. */
#include <stdio.h>
#include <string.h>

#include <quorlock.h>

int main(void) {
    const char *nodes[] = { "memory://installed" };
    quorlock_client *client;
    quorlock_guard *guard;
    uint64_t token;
    if (strcmp(quorlock_version(), QUORLOCK_VERSION) != 0 ||
        quorlock_client_connect(nodes, 1, NULL, &client) != QUORLOCK_OK ||
        quorlock_mutex_acquire(client, "invoice:42", NULL, &guard) != QUORLOCK_OK ||
        quorlock_guard_fencing_token(guard, &token) != QUORLOCK_OK) {
        fprintf(stderr, "%s\n", quorlock_last_error_message());
        return 1;
    }
    printf("quorlock %s: held with token %s\n", quorlock_version(), token > 0 ? "yes" : "no");
    quorlock_guard_release(guard, NULL);
    quorlock_guard_free(guard);
    quorlock_client_free(client);
    return 0;
}
