/* The ledger service, over one connection. */

#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *address; /* host:port */
    int socket;          /* -1 while there is no connection */
} ledger;

typedef enum { LEDGER_OPEN, LEDGER_CHARGED, LEDGER_STALE, LEDGER_FAILED } ledger_state;

/* Begins a payment; `begun_out` is how often that was done, this time included. */
ledger_state ledger_begin(ledger *self, const char *order, uint64_t token, long *begun_out);

/* Books the charge: LEDGER_CHARGED, or LEDGER_STALE where the token came too late. */
ledger_state ledger_charge(ledger *self, const char *order, uint64_t token, const char *worker,
                           const char *amount_cents);

#endif
