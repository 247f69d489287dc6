#include "named.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    char *name;
    void *handle;
    struct entry *next;
} entry;

struct named {
    pthread_mutex_t lock;
    entry *first;
};

named clients = { PTHREAD_MUTEX_INITIALIZER, NULL };
named guards = { PTHREAD_MUTEX_INITIALIZER, NULL };
static named calls = { PTHREAD_MUTEX_INITIALIZER, NULL };

void *named_get(named *table, const char *name) {
    void *handle = NULL;
    pthread_mutex_lock(&table->lock);
    for (entry *at = table->first; at != NULL && name != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            handle = at->handle;
            break;
        }
    }
    pthread_mutex_unlock(&table->lock);
    return handle;
}

void *named_set(named *table, const char *name, void *handle) {
    void *before = NULL;
    pthread_mutex_lock(&table->lock);
    entry **link = &table->first;
    while (*link != NULL && strcmp((*link)->name, name) != 0) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        before = (*link)->handle;
    } else {
        *link = calloc(1, sizeof **link);
        (*link)->name = strdup(name);
    }
    (*link)->handle = handle;
    pthread_mutex_unlock(&table->lock);
    return before;
}

void *named_take(named *table) {
    void *handle = NULL;
    pthread_mutex_lock(&table->lock);
    while (table->first != NULL && handle == NULL) {
        entry *first = table->first;
        handle = first->handle;
        table->first = first->next;
        free(first->name);
        free(first);
    }
    pthread_mutex_unlock(&table->lock);
    return handle;
}

static void name_of(uint64_t id, char name[24]) {
    snprintf(name, 24, "%" PRIu64, id);
}

quorlock_canceller *call_begin(uint64_t id) {
    char name[24];
    quorlock_canceller *canceller;
    name_of(id, name);
    if (quorlock_canceller_new(&canceller) == QUORLOCK_OK) {
        named_set(&calls, name, canceller);
    }
    return canceller;
}

quorlock_status call_cancel(uint64_t id) {
    char name[24];
    name_of(id, name);
    quorlock_canceller *canceller = named_get(&calls, name);
    /* A call that has ended already cannot be given up any more. */
    return canceller == NULL ? QUORLOCK_OK : quorlock_canceller_cancel(canceller);
}

void call_end(uint64_t id) {
    char name[24];
    name_of(id, name);
    quorlock_canceller_free(named_set(&calls, name, NULL));
}
