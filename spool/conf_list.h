/*
 * Comma-separated lists: AE titles, UIDs, destinations.
 */
#ifndef DCMSPOOL_CONF_LIST_H
#define DCMSPOOL_CONF_LIST_H

#include <stdbool.h>

#include "conf.h"
#include "conf_place.h"
#include "conf_table.h"
#include "err.h"

/* `text` is what was written, or the default. All of them allocate; what they
 * have stored is freed by conf_value_free, also after -1. */
int conf_list_patterns(const struct conf_key *key, const char *text,
    struct conf_patterns *patterns, const struct conf_place *place,
    struct err *err);
int conf_list_targets(const struct conf_key *key, const char *text,
    const struct conf *conf, struct conf_route *route,
    const struct conf_place *place, struct err *err);
/* text NULL: all of them. */
int conf_list_wait_for(const char *text, const struct conf *conf,
    struct conf_route *route, const struct conf_place *place, struct err *err);
void conf_list_free(struct conf_patterns *patterns);

/* NULL where it may be an AE title (or, with `pattern`, a pattern of them);
 * else what is wrong with it and what to write. */
const char *conf_aet_problem(const char *aet, bool pattern);

#endif
