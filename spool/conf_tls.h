/*
 * The group tls, which the receiver and each destination may have.
 */
#ifndef DCMSPOOL_CONF_TLS_H
#define DCMSPOOL_CONF_TLS_H

#include <libconfig.h>

#include "conf.h"
#include "conf_place.h"
#include "conf_table.h"
#include "err.h"

/* setting NULL: there is none, and no TLS. Stores what conf_tls_free frees,
 * also after -1. */
int conf_tls_read(const struct conf_key *key, config_setting_t *setting,
    const struct conf *conf, struct conf_tls *tls,
    const struct conf_place *place, struct err *err);
void conf_tls_free(struct conf_tls *tls);

#endif
