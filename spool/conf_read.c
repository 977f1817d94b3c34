/*
 * The settings that libconfig found, group by group, into the configuration.
 *
 * Errors: ERR_CONFIG with file, line and key, and what to write instead;
 * ERR_TEMPORARY where there is no memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_place.h"
#include "conf_read.h"
#include "conf_table.h"
#include "conf_value.h"

#define KNOWN_SIZE 320
#define RECEIVER_HINT                                                          \
	"receiver = { LocalAET = \"ENS-SCP\"; RemoteAET = \"JD-SCU\"; };"
#define LOG_HINT    "log = { Level = \"info\"; };"
#define ROUTES_HINT "routes = ( { DuplexTargetConfigNames = \"PACS\"; } );"
#define DESTINATIONS_HINT                                                      \
	"destinations = ( { Name = \"PACS\"; RemoteAET = \"JD-SCP\"; "         \
	"RemoteHost = \"192.0.2.10\"; } );"

static const char *const groups[] = {
    CONF_RECEIVER, CONF_ROUTES, CONF_DESTINATIONS, CONF_LOG};

static int read_destinations(
    config_setting_t *root, struct conf *conf, struct err *err);
static int read_routes(
    config_setting_t *root, struct conf *conf, struct err *err);
static int read_named(config_setting_t *root, struct conf *conf,
    const char *group, const char *hint, void *base, struct err *err);
static int find_list(config_setting_t *root, const struct conf *conf,
    const char *group, const char *hint, config_setting_t **list,
    struct err *err);
static int read_element(config_setting_t *list, int index,
    const struct conf *conf, const char *hint, void *base, struct err *err);
static int read_group(config_setting_t *setting, const struct conf *conf,
    const struct conf_place *place, void *base, struct err *err);
static int check_names(
    config_setting_t *setting, const struct conf_place *place, struct err *err);
static int fail_unknown(const struct conf_place *place, struct err *err);
static const char *known_names(const char *group, char out[KNOWN_SIZE]);
static int check_destination(config_setting_t *list, int index,
    const struct conf *conf, struct err *err);
static bool is_group(const char *name);

int
conf_read(config_setting_t *root, struct conf *conf, struct err *err)
{
	const struct conf_place top = {conf->path, 0, CONF_TOP, -1, ""};

	if (read_group(root, conf, &top, conf, err) < 0 ||
	    read_named(root, conf, CONF_RECEIVER, RECEIVER_HINT,
		&conf->receiver, err) < 0 ||
	    read_named(root, conf, CONF_LOG, LOG_HINT, conf, err) < 0 ||
	    read_destinations(root, conf, err) < 0)
		return -1;
	return read_routes(root, conf, err);
}

static int
read_destinations(config_setting_t *root, struct conf *conf, struct err *err)
{
	config_setting_t *list;
	int i, n;

	n = find_list(
	    root, conf, CONF_DESTINATIONS, DESTINATIONS_HINT, &list, err);
	if (n < 0)
		return -1;
	conf->destinations = calloc((size_t)n, sizeof(*conf->destinations));
	if (conf->destinations == NULL)
		return err_set(
		    err, ERR_TEMPORARY, "%s: out of memory", conf->path);
	for (i = 0; i < n; i++) {
		conf->destinations_n++;
		if (read_element(list, i, conf, DESTINATIONS_HINT,
			&conf->destinations[i], err) < 0 ||
		    check_destination(list, i, conf, err) < 0)
			return -1;
	}
	return 0;
}

static int
read_routes(config_setting_t *root, struct conf *conf, struct err *err)
{
	config_setting_t *list;
	int i, n;

	n = find_list(root, conf, CONF_ROUTES, ROUTES_HINT, &list, err);
	if (n < 0)
		return -1;
	conf->routes = calloc((size_t)n, sizeof(*conf->routes));
	if (conf->routes == NULL)
		return err_set(
		    err, ERR_TEMPORARY, "%s: out of memory", conf->path);
	for (i = 0; i < n; i++) {
		conf->routes_n++;
		if (read_element(
			list, i, conf, ROUTES_HINT, &conf->routes[i], err) < 0)
			return -1;
	}
	return 0;
}

/* receiver or log; the latter may be left out. */
static int
read_named(config_setting_t *root, struct conf *conf, const char *group,
    const char *hint, void *base, struct err *err)
{
	struct conf_place place = {conf->path, 0, group, -1, ""};
	config_setting_t *setting;

	setting = config_setting_get_member(root, group);
	if (setting == NULL && strcmp(group, CONF_RECEIVER) == 0)
		return conf_fail(&place, err, "is missing; write %s", hint);
	if (setting != NULL) {
		place.line = config_setting_source_line(setting);
		if (!config_setting_is_group(setting))
			return conf_fail(
			    &place, err, "is no group; write %s", hint);
	}
	return read_group(setting, conf, &place, base, err);
}

/* How many elements *list has, at least one; or -1. */
static int
find_list(config_setting_t *root, const struct conf *conf, const char *group,
    const char *hint, config_setting_t **list, struct err *err)
{
	struct conf_place place = {conf->path, 0, group, -1, ""};

	*list = config_setting_get_member(root, group);
	if (*list == NULL)
		return conf_fail(&place, err,
		    "is missing, so nothing could be stored; write %s", hint);
	place.line = config_setting_source_line(*list);
	if (!config_setting_is_list(*list))
		return conf_fail(&place, err, "is no list; write %s", hint);
	if (config_setting_length(*list) == 0)
		return conf_fail(&place, err,
		    "is empty, so nothing could be stored; write %s", hint);
	return config_setting_length(*list);
}

static int
read_element(config_setting_t *list, int index, const struct conf *conf,
    const char *hint, void *base, struct err *err)
{
	struct conf_place place = {
	    conf->path, 0, config_setting_name(list), index, ""};
	config_setting_t *setting;

	setting = config_setting_get_elem(list, (unsigned)index);
	place.line = config_setting_source_line(setting);
	if (!config_setting_is_group(setting))
		return conf_fail(&place, err, "is no group; write %s", hint);
	return read_group(setting, conf, &place, base, err);
}

/* setting NULL: all of the group's keys have their defaults. */
static int
read_group(config_setting_t *setting, const struct conf *conf,
    const struct conf_place *place, void *base, struct err *err)
{
	const struct conf_key *table;
	struct conf_place at;
	config_setting_t *member;
	size_t i, n;

	if (setting != NULL && check_names(setting, place, err) < 0)
		return -1;
	table = conf_table(&n);
	for (i = 0; i < n; i++) {
		if (strcmp(table[i].group, place->group) != 0)
			continue;
		at = *place;
		at.key = table[i].name;
		member = NULL;
		if (setting != NULL)
			member = config_setting_get_member(setting, at.key);
		if (member != NULL)
			at.line = config_setting_source_line(member);
		if (conf_value_read(&table[i], member, conf, base, &at, err) <
		    0)
			return -1;
	}
	return 0;
}

static int
check_names(
    config_setting_t *setting, const struct conf_place *place, struct err *err)
{
	struct conf_place at = *place;
	config_setting_t *member;
	int i;

	for (i = 0; i < config_setting_length(setting); i++) {
		member = config_setting_get_elem(setting, (unsigned)i);
		at.key = config_setting_name(member);
		at.line = config_setting_source_line(member);
		if (conf_table_find(at.group, at.key) == NULL &&
		    !(config_setting_is_root(setting) && is_group(at.key)))
			return fail_unknown(&at, err);
	}
	return 0;
}

/* Says what was likely meant: other case, other group, else what there is. */
static int
fail_unknown(const struct conf_place *place, struct err *err)
{
	const struct conf_key *table;
	const char *elsewhere = NULL;
	char known[KNOWN_SIZE];
	size_t i, n;

	table = conf_table(&n);
	for (i = 0; i < n; i++) {
		if (strcmp(table[i].group, place->group) == 0 &&
		    strcasecmp(table[i].name, place->key) == 0)
			return conf_fail(
			    place, err, "is unknown; write %s", table[i].name);
		if (strcmp(table[i].name, place->key) == 0)
			elsewhere = table[i].group;
	}
	if (elsewhere != NULL)
		return conf_fail(place, err, "is unknown here; write it %s%s",
		    *elsewhere != '\0' ? "in " : "outside of the groups",
		    elsewhere);
	return conf_fail(place, err, "is unknown; write one of: %s",
	    known_names(place->group, known));
}

static const char *
known_names(const char *group, char out[KNOWN_SIZE])
{
	const struct conf_key *table;
	size_t i, n, used = 0;

	table = conf_table(&n);
	*out = '\0';
	for (i = 0; i < n && used < KNOWN_SIZE; i++)
		if (strcmp(table[i].group, group) == 0)
			used += (size_t)snprintf(out + used, KNOWN_SIZE - used,
			    "%s%s", used > 0 ? " " : "", table[i].name);
	n = *group == '\0' ? sizeof(groups) / sizeof(groups[0]) : 0;
	for (i = 0; i < n && used < KNOWN_SIZE; i++)
		used += (size_t)snprintf(
		    out + used, KNOWN_SIZE - used, " %s", groups[i]);
	return out;
}

/* What no single key shows. */
static int
check_destination(
    config_setting_t *list, int index, const struct conf *conf, struct err *err)
{
	const struct conf_destination *destination = &conf->destinations[index];
	struct conf_place place = {
	    conf->path, 0, CONF_DESTINATIONS, index, "Name"};
	config_setting_t *setting, *member;

	setting = config_setting_get_elem(list, (unsigned)index);
	member = config_setting_get_member(setting, place.key);
	place.line = config_setting_source_line(member);
	if (conf_find_destination(conf, destination->name) != destination)
		return conf_fail(&place, err,
		    "\"%s\" is there twice; write another name",
		    destination->name);
	if (destination->retry_min_s <= destination->retry_max_s)
		return 0;
	place.key = "RetryMin";
	member = config_setting_get_member(setting, place.key);
	if (member == NULL) {
		place.key = "RetryMax";
		member = config_setting_get_member(setting, place.key);
	}
	place.line = config_setting_source_line(member);
	return conf_fail(&place, err,
	    "RetryMin (%d) is greater than RetryMax (%d); write a RetryMax of "
	    "at least RetryMin",
	    destination->retry_min_s, destination->retry_max_s);
}

static bool
is_group(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strcmp(groups[i], name) == 0)
			return true;
	return false;
}
