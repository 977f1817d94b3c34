/*
 * The configuration: read whole, checked whole, one const struct.
 *
 * Errors: ERR_CONFIG with file, line and key, and what to write instead, for
 * whatever is wrong with the file, also that it cannot be read; ERR_TEMPORARY
 * where there is no memory.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "conf.h"
#include "conf_equal.h"
#include "conf_place.h"
#include "conf_read.h"
#include "conf_scan.h"
#include "conf_table.h"
#include "conf_value.h"
#include "fs.h"

#define FILE_SIZE ((size_t)1 << 20)
#define LINE_SIZE 80

static char *read_text(const char *path, struct err *err);
static int parse(
    config_t *config, const char *path, const char *text, struct err *err);
static void free_group(const char *group, void *base);

const char *
conf_path(const char *option)
{
	const char *path;

	if (option != NULL)
		return option;
	path = getenv("DCMSPOOL_CONF");
	return path != NULL && *path != '\0' ? path : CONF_DEFAULT_PATH;
}

int
conf_load(const char *path, struct conf **conf, struct err *err)
{
	struct conf *loaded = NULL;
	config_t config;
	char *text;
	int r = -1;

	config_init(&config);
	text = read_text(path, err);
	if (text == NULL || parse(&config, path, text, err) < 0)
		goto out;
	loaded = calloc(1, sizeof(*loaded));
	if (loaded == NULL || (loaded->path = strdup(path)) == NULL) {
		(void)err_set(err, ERR_TEMPORARY, "%s: out of memory", path);
		goto out;
	}
	if (conf_read(config_root_setting(&config), loaded, err) < 0)
		goto out;
	*conf = loaded;
	loaded = NULL;
	r = 0;
out:
	conf_free(loaded);
	free(text);
	config_destroy(&config);
	return r;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	while (conf->routes_n > 0)
		free_group(CONF_ROUTES, &conf->routes[--conf->routes_n]);
	while (conf->destinations_n > 0)
		free_group(CONF_DESTINATIONS,
		    &conf->destinations[--conf->destinations_n]);
	free_group(CONF_RECEIVER, &conf->receiver);
	free_group(CONF_LOG, conf);
	free_group(CONF_TOP, conf);
	free(conf->routes);
	free(conf->destinations);
	free(conf->path);
	free(conf);
}

bool
conf_patterns_match(const struct conf_patterns *patterns, const char *s)
{
	size_t i;

	/* No backslash gets into a pattern, so none escapes either. */
	for (i = 0; i < patterns->n; i++)
		if (fnmatch(patterns->pattern[i], s, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

const struct conf_destination *
conf_find_destination(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->destinations_n; i++)
		if (strcmp(conf->destinations[i].name, name) == 0)
			return &conf->destinations[i];
	return NULL;
}

bool
conf_destination_equal(
    const struct conf_destination *a, const struct conf_destination *b)
{
	const struct conf_key *table;
	size_t i, n;

	table = conf_table(&n);
	for (i = 0; i < n; i++)
		if (strcmp(table[i].group, CONF_DESTINATIONS) == 0 &&
		    !conf_value_equal(&table[i], a, b))
			return false;
	return true;
}

/* The whole file, checked for what libconfig does not notice. */
static char *
read_text(const char *path, struct err *err)
{
	struct err cause;
	char *text, *fitting;
	ssize_t size;

	text = malloc(FILE_SIZE);
	if (text == NULL) {
		(void)err_set(err, ERR_TEMPORARY, "%s: out of memory", path);
		return NULL;
	}
	size = fs_read_file(AT_FDCWD, path, text, FILE_SIZE, &cause);
	if (size < 0) {
		(void)err_set(err, ERR_CONFIG,
		    "%s; name the configuration with -c or $DCMSPOOL_CONF, or "
		    "write it: dcmspool.conf(5) has an example",
		    cause.text);
		if (err != NULL)
			err->sys = cause.sys;
	}
	if (size < 0 || conf_scan(path, text, (size_t)size, err) < 0) {
		free(text);
		return NULL;
	}
	fitting = realloc(text, (size_t)size + 1);
	return fitting != NULL ? fitting : text;
}

static int
parse(config_t *config, const char *path, const char *text, struct err *err)
{
	struct conf_place place = {path, 0, CONF_TOP, -1, ""};
	unsigned line;
	size_t size;

	if (config_read_string(config, text) == CONFIG_TRUE)
		return 0;
	place.line = (unsigned)config_error_line(config);
	for (line = 1; line < place.line && *text != '\0'; line++) {
		text += strcspn(text, "\n");
		text += *text != '\0';
	}
	text += strspn(text, " \t");
	size = strcspn(text, "\r\n");
	return conf_fail(&place, err,
	    "%s, here or in the line before: %.*s; write Key = value; once for "
	    "each key, and text in double quotes",
	    config_error_text(config), size < LINE_SIZE ? (int)size : LINE_SIZE,
	    text);
}

static void
free_group(const char *group, void *base)
{
	const struct conf_key *table;
	size_t i, n;

	table = conf_table(&n);
	for (i = 0; i < n; i++)
		if (strcmp(table[i].group, group) == 0)
			conf_value_free(&table[i], base);
}
