/*
 * The TLS settings of all destinations, ready for use.
 */
#ifndef DCMSPOOL_IDENTITIES_H
#define DCMSPOOL_IDENTITIES_H

#include <stdint.h>

#include "../spool/conf.h"
#include "../spool/tls_dcmtk.h"

struct identities;

/* -1 and *err where one of the files cannot be used; *identities is NULL. */
int identities_load(
    const struct conf *conf, struct identities **identities, struct err *err);
void identities_free(struct identities *identities);

/* That of a destination of the configuration that they were loaded for, or
 * NULL: there is none. */
struct tls *identities_find(const struct identities *identities,
    const struct conf *conf, const struct conf_destination *destination);

/* The same in a process that needs no other: those and their keys are gone
 * from its memory. destination may be NULL. */
struct tls *identities_take(struct identities *identities,
    const struct conf *conf, const struct conf_destination *destination);

/* Warns of certificates of ours that end soon. Returns when to look again
 * (monotonic ms; INT64_MAX = there are none). */
int64_t identities_warn(
    const struct identities *identities, const struct conf *conf);

#endif
