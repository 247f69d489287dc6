/* A request's options as the library takes them. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <quorlock.h>

#include "json.h"

/* The string of a member; NULL where it is missing. `*wrong` becomes true where C cannot say it. */
const char *string_of(const json *object, const char *key, bool *wrong);
/* The number of a member; QUORLOCK_UNSET where it is missing. A number out of bounds stays so. */
uint64_t number_of(const json *object, const char *key, bool *wrong);

quorlock_client_options client_options(const json *given, bool *wrong);
quorlock_acquire_options acquire_options(const json *given, bool *wrong);

#endif
