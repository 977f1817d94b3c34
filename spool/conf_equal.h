/*
 * Whether a key has the same value in two configurations.
 */
#ifndef DCMSPOOL_CONF_EQUAL_H
#define DCMSPOOL_CONF_EQUAL_H

#include <stdbool.h>

#include "conf_table.h"

/* Both are the struct of the key's group. */
bool conf_value_equal(
    const struct conf_key *key, const void *base_a, const void *base_b);

#endif
