/*
 * What a configuration needs before it is served, at the start and when it is
 * read again.
 */
#ifndef DCMSPOOL_RECEIVER_PREPARE_H
#define DCMSPOOL_RECEIVER_PREPARE_H

#include "../spool/conf.h"
#include "../spool/spool.h"
#include "../spool/tls_dcmtk.h"
#include "shared.h"

/* Reads its certificates and keys. *tls is NULL where there is no TLS;
 * tls_free. */
int prepare_keys(const struct conf *conf, struct tls **tls, struct err *err);

/* Folders of destinations, counters, the ledger, and what is shared of each
 * destination. */
int prepare_spool(const struct conf *conf, const struct spool *spool,
    struct shared *shared, struct err *err);

#endif
