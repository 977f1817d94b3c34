/*
 * One setting into one field, by the type that the table gives the key.
 *
 * Errors: ERR_CONFIG with file, line and key, and what to write instead;
 * ERR_TEMPORARY where there is no memory.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_list.h"
#include "conf_status.h"
#include "conf_tls.h"
#include "conf_value.h"
#include "name.h"

#define WANTED_SIZE 256

static int read_number(const struct conf_key *, config_setting_t *, void *,
    const struct conf_place *, struct err *);
static int read_bool(const struct conf_key *, config_setting_t *, bool *,
    const struct conf_place *, struct err *);
static int read_word(const struct conf_key *, const char *, void *,
    const struct conf_place *, struct err *);
static int read_string(const struct conf_key *, const char *, void *,
    const struct conf_place *, struct err *);
static const char *string_problem(const struct conf_key *key, const char *s);
static bool is_plain(const char *s, bool blanks);
static char *copy_trimmed(const char *s);
static void format_wanted(const struct conf_key *key, char out[WANTED_SIZE]);

int
conf_value_read(const struct conf_key *key, config_setting_t *setting,
    const struct conf *conf, void *base, const struct conf_place *place,
    struct err *err)
{
	void *field = (char *)base + key->offset;
	const char *text = key->text;

	if (setting == NULL && key->required)
		return conf_fail(place, err, "is missing; write %s = %s;",
		    key->name, key->example);
	if (key->type == CONF_INT || key->type == CONF_INT64)
		return read_number(key, setting, field, place, err);
	if (key->type == CONF_STATUS_CLASSES)
		return conf_status_read(key, setting, base, place, err);
	if (key->type == CONF_TLS_GROUP)
		return conf_tls_read(key, setting, conf, field, place, err);
	if (key->type == CONF_BOOL)
		return read_bool(key, setting, field, place, err);
	if (setting != NULL) {
		text = config_setting_get_string(setting);
		if (text == NULL)
			return conf_fail_type(key, setting, place, err);
	}
	switch (key->type) {
	case CONF_WORD:
	case CONF_FLAG:
		return read_word(key, text, field, place, err);
	case CONF_FOLDER:
	case CONF_FILE:
	case CONF_HOST:
	case CONF_USER:
	case CONF_NAME:
	case CONF_AET:
		return read_string(key, text, field, place, err);
	case CONF_AETS:
	case CONF_UIDS:
	case CONF_NETWORKS:
	case CONF_CERTIFICATES:
		return conf_list_patterns(key, text, field, place, err);
	case CONF_TARGETS:
		return conf_list_targets(key, text, conf, base, place, err);
	case CONF_WAIT_FOR:
		return conf_list_wait_for(text, conf, base, place, err);
	case CONF_INT:
	case CONF_INT64:
	case CONF_BOOL:
	case CONF_STATUS_CLASSES:
	case CONF_TLS_GROUP:
		break;
	}
	return err_set(err, ERR_BUG, "%s has no type", key->name);
}

void
conf_value_free(const struct conf_key *key, void *base)
{
	void *field = (char *)base + key->offset;

	switch (key->type) {
	case CONF_FOLDER:
	case CONF_FILE:
	case CONF_HOST:
	case CONF_USER:
	case CONF_NAME:
	case CONF_AET:
		free(*(char **)field);
		break;
	case CONF_AETS:
	case CONF_UIDS:
	case CONF_NETWORKS:
	case CONF_CERTIFICATES:
		conf_list_free(field);
		break;
	case CONF_TARGETS:
		free(((struct conf_route *)base)->destinations);
		break;
	case CONF_WAIT_FOR:
		free(((struct conf_route *)base)->wait_for);
		break;
	case CONF_STATUS_CLASSES:
		free(((struct conf_destination *)base)->status_rules);
		break;
	case CONF_TLS_GROUP:
		conf_tls_free(field);
		break;
	case CONF_INT:
	case CONF_INT64:
	case CONF_WORD:
	case CONF_FLAG:
	case CONF_BOOL:
		break;
	}
}

int
conf_fail_type(const struct conf_key *key, const config_setting_t *setting,
    const struct conf_place *place, struct err *err)
{
	static const char *const types[] = {"nothing", "a group",
	    "a whole number", "a whole number", "a floating-point number",
	    "a string", "a boolean", "an array", "a list"};
	char wanted[WANTED_SIZE];

	format_wanted(key, wanted);
	return conf_fail(place, err, "is %s; write %s",
	    types[config_setting_type(setting)], wanted);
}

static int
read_number(const struct conf_key *key, config_setting_t *setting, void *field,
    const struct conf_place *place, struct err *err)
{
	int64_t value = key->number;
	char wanted[WANTED_SIZE];

	if (setting != NULL) {
		if (config_setting_type(setting) != CONFIG_TYPE_INT &&
		    config_setting_type(setting) != CONFIG_TYPE_INT64)
			return conf_fail_type(key, setting, place, err);
		value = config_setting_get_int64(setting);
	}
	if (value < key->min || value > key->max) {
		format_wanted(key, wanted);
		return conf_fail(place, err,
		    "%" PRId64 " is out of range; write %s", value, wanted);
	}
	if (key->type == CONF_INT64)
		*(int64_t *)field = value;
	else
		*(int *)field = (int)value;
	return 0;
}

static int
read_bool(const struct conf_key *key, config_setting_t *setting, bool *field,
    const struct conf_place *place, struct err *err)
{
	*field = key->number != 0;
	if (setting == NULL)
		return 0;
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return conf_fail_type(key, setting, place, err);
	*field = config_setting_get_bool(setting) != CONFIG_FALSE;
	return 0;
}

static int
read_word(const struct conf_key *key, const char *text, void *field,
    const struct conf_place *place, struct err *err)
{
	char wanted[WANTED_SIZE];
	int i;

	for (i = 0; key->words[i] != NULL; i++)
		if (strcmp(key->words[i], text) == 0)
			break;
	if (key->words[i] == NULL) {
		format_wanted(key, wanted);
		return conf_fail(
		    place, err, "\"%.64s\" is unknown; write %s", text, wanted);
	}
	if (key->type == CONF_FLAG)
		*(bool *)field = i > 0;
	else
		*(int *)field = i;
	return 0;
}

static int
read_string(const struct conf_key *key, const char *text, void *field,
    const struct conf_place *place, struct err *err)
{
	const char *problem;
	char *copy;

	/* Blanks around an AE title do not count, PS3.5 6.2. */
	copy = key->type == CONF_AET ? copy_trimmed(text) : strdup(text);
	if (copy == NULL)
		return conf_fail_memory(place, err);
	*(char **)field = copy;
	problem = string_problem(key, copy);
	if (problem != NULL)
		return conf_fail(place, err, "\"%.80s\" %s", copy, problem);
	return 0;
}

static const char *
string_problem(const struct conf_key *key, const char *s)
{
	if (key->type == CONF_AET)
		return conf_aet_problem(s, false);
	if (key->type == CONF_NAME)
		return name_destination_valid(s)
			   ? NULL
			   : "is not a name; write 1 to 64 letters, digits, "
			     "'.', '_' or '-', the first one a letter or digit";
	if (key->type == CONF_FILE && *s == '\0' && !key->required)
		return NULL;
	if (key->type == CONF_FOLDER || key->type == CONF_FILE)
		return *s == '/' && is_plain(s, true)
			   ? NULL
			   : "is not an absolute path; write one that begins "
			     "with / and has no control characters";
	if (key->type == CONF_USER)
		return is_plain(s, false)
			   ? NULL
			   : "is not a user's name; write one without blanks "
			     "or control characters";
	if (*s == '\0' && key->required)
		return "is empty; write a host name or an address";
	return is_plain(s, false)
		   ? NULL
		   : "has blanks or control characters; write a name or an "
		     "address without";
}

static bool
is_plain(const char *s, bool blanks)
{
	for (; *s != '\0'; s++)
		if (iscntrl((unsigned char)*s) ||
		    (!blanks && isspace((unsigned char)*s)))
			return false;
	return true;
}

static char *
copy_trimmed(const char *s)
{
	size_t size;

	s += strspn(s, " ");
	for (size = strlen(s); size > 0 && s[size - 1] == ' '; size--)
		continue;
	return strndup(s, size);
}

/* "a whole number from 1 to 9 (seconds)", `"this" or "that"`, ... */
static void
format_wanted(const struct conf_key *key, char out[WANTED_SIZE])
{
	size_t used = 0;
	int i;

	if (key->type == CONF_INT || key->type == CONF_INT64) {
		(void)snprintf(out, WANTED_SIZE,
		    "a whole number from %" PRId64 " to %" PRId64 "%s%s%s",
		    key->min, key->max, key->unit != NULL ? " (" : "",
		    key->unit != NULL ? key->unit : "",
		    key->unit != NULL ? ")" : "");
		return;
	}
	if (key->words == NULL) {
		(void)snprintf(
		    out, WANTED_SIZE, "%s = %s;", key->name, key->example);
		return;
	}
	*out = '\0';
	for (i = 0; key->words[i] != NULL && used < WANTED_SIZE; i++)
		used += (size_t)snprintf(out + used, WANTED_SIZE - used,
		    "%s\"%s\"", i > 0 ? " or " : "", key->words[i]);
}
