/*
 * Whether a key has the same value in two configurations.
 *
 * Errors: none.
 */
#include <stdint.h>
#include <string.h>

#include "conf.h"
#include "conf_equal.h"

static bool equal_strings(const char *a, const char *b);
static bool equal_patterns(
    const struct conf_patterns *a, const struct conf_patterns *b);
static bool equal_targets(
    const struct conf_route *a, const struct conf_route *b);
static bool equal_waits(const struct conf_route *a, const struct conf_route *b);
static bool equal_tls(const struct conf_tls *a, const struct conf_tls *b);
static bool equal_rules(
    const struct conf_destination *a, const struct conf_destination *b);

bool
conf_value_equal(
    const struct conf_key *key, const void *base_a, const void *base_b)
{
	const void *a = (const char *)base_a + key->offset;
	const void *b = (const char *)base_b + key->offset;

	switch (key->type) {
	case CONF_INT:
	case CONF_WORD:
		return *(const int *)a == *(const int *)b;
	case CONF_INT64:
		return *(const int64_t *)a == *(const int64_t *)b;
	case CONF_FLAG:
	case CONF_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case CONF_FOLDER:
	case CONF_FILE:
	case CONF_HOST:
	case CONF_USER:
	case CONF_NAME:
	case CONF_AET:
		return equal_strings(*(char *const *)a, *(char *const *)b);
	case CONF_AETS:
	case CONF_UIDS:
	case CONF_NETWORKS:
	case CONF_CERTIFICATES:
		return equal_patterns(a, b);
	case CONF_TARGETS:
		return equal_targets(base_a, base_b);
	case CONF_WAIT_FOR:
		return equal_waits(base_a, base_b);
	case CONF_STATUS_CLASSES:
		return equal_rules(base_a, base_b);
	case CONF_TLS_GROUP:
		return equal_tls(a, b);
	}
	return false;
}

static bool
equal_strings(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
equal_patterns(const struct conf_patterns *a, const struct conf_patterns *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->pattern[i], b->pattern[i]) != 0)
			return false;
	return true;
}

static bool
equal_targets(const struct conf_route *a, const struct conf_route *b)
{
	size_t i;

	if (a->destinations_n != b->destinations_n)
		return false;
	for (i = 0; i < a->destinations_n; i++)
		if (a->destinations[i] != b->destinations[i])
			return false;
	return true;
}

static bool
equal_waits(const struct conf_route *a, const struct conf_route *b)
{
	size_t i;

	if (a->destinations_n != b->destinations_n)
		return false;
	for (i = 0; i < a->destinations_n; i++)
		if (a->wait_for[i] != b->wait_for[i])
			return false;
	return true;
}

static bool
equal_rules(const struct conf_destination *a, const struct conf_destination *b)
{
	size_t i;

	if (a->status_rules_n != b->status_rules_n)
		return false;
	for (i = 0; i < a->status_rules_n; i++)
		if (a->status_rules[i].first != b->status_rules[i].first ||
		    a->status_rules[i].last != b->status_rules[i].last ||
		    a->status_rules[i].class != b->status_rules[i].class)
			return false;
	return true;
}

static bool
equal_tls(const struct conf_tls *a, const struct conf_tls *b)
{
	const struct conf_key *table;
	size_t i, n;

	if (!a->on || !b->on)
		return a->on == b->on;
	table = conf_table(&n);
	for (i = 0; i < n; i++)
		if (strcmp(table[i].group, CONF_TLS) == 0 &&
		    !conf_value_equal(&table[i], a, b))
			return false;
	return true;
}
