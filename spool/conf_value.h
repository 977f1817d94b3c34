/*
 * One setting of libconfig's into one field of the configuration, by the
 * table; and what else there is to do with a field of any type.
 */
#ifndef DCMSPOOL_CONF_VALUE_H
#define DCMSPOOL_CONF_VALUE_H

#include <libconfig.h>

#include "conf.h"
#include "conf_place.h"
#include "conf_table.h"
#include "err.h"

/*
 * Checks and stores a setting, or the key's default where it is NULL. `base`
 * is the group's struct, zeroed before. conf->destinations is complete before
 * a route is read. After -1 conf_value_free is still due.
 */
int conf_value_read(const struct conf_key *key, config_setting_t *setting,
    const struct conf *conf, void *base, const struct conf_place *place,
    struct err *err);

/* Frees what the field owns. */
void conf_value_free(const struct conf_key *key, void *base);

/* -1: the setting is not what the key wants; says what to write. */
int conf_fail_type(const struct conf_key *key, const config_setting_t *setting,
    const struct conf_place *place, struct err *err);

#endif
