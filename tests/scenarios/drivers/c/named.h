/* What requests name: clients, guards, and calls under way. */
#ifndef NAMED_H
#define NAMED_H

#include <quorlock.h>

/* One table of handles by name, for all threads. */
typedef struct named named;
extern named clients, guards;

/* The handle of this name; NULL where there is none, which the library refuses. */
void *named_get(named *table, const char *name);
/* Gives a handle its name; the handle that had the name before, or NULL. */
void *named_set(named *table, const char *name, void *handle);
/* Takes any handle out; NULL where none is left. */
void *named_take(named *table);

/* The canceller of a new call, found by `call_cancel` until `call_end`. */
quorlock_canceller *call_begin(uint64_t id);
quorlock_status call_cancel(uint64_t id);
void call_end(uint64_t id);

#endif
