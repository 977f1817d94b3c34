/*
 * StatusClass: which class a destination's status is moved to.
 */
#ifndef DCMSPOOL_CONF_STATUS_H
#define DCMSPOOL_CONF_STATUS_H

#include <libconfig.h>

#include "conf.h"
#include "conf_place.h"
#include "conf_table.h"
#include "err.h"

/* setting NULL: none. Stores what conf_value_free frees, also after -1. */
int conf_status_read(const struct conf_key *key, config_setting_t *setting,
    struct conf_destination *destination, const struct conf_place *place,
    struct err *err);

#endif
