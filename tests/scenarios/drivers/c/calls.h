/* What a driver can do: each call does it and appends the value of "ok" to `out`. */
#ifndef CALLS_H
#define CALLS_H

#include <quorlock.h>

#include "json.h"

/* A request that C has no words for. No status of the library has this number. */
#define CANNOT_SAY ((quorlock_status)1)
/* No call of this name. */
#define NO_SUCH_CALL ((quorlock_status)2)

/* Does what the request says. */
quorlock_status call(const json *request, quorlock_canceller *canceller, buffer *out);
/* The calling thread's last error, as the value of "error". */
void put_last_error(buffer *out);

#endif
