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
#include <strings.h>

#include <libconfig.h>

#include "conf.h"
#include "conf_place.h"
#include "conf_scan.h"
#include "conf_table.h"
#include "conf_value.h"
#include "fs.h"

#define FILE_MAX ((size_t)1 << 20)
#define ANY	 "" /* a group without a name of its own */

static char *read_text(const char *path, struct err *err);
static int parse(config_t *config, const char *path, const char *text,
    struct err *err);
static int read_all(config_setting_t *root, struct conf *conf, struct err *err);
static int read_list(config_setting_t *root, struct conf *conf,
    const char *group, struct err *err);
static int read_sub(config_setting_t *root, struct conf *conf,
    const char *group, void *base, struct err *err);
static int read_group(config_setting_t *setting, const struct conf *conf,
    struct conf_place place, void *base, struct err *err);
static int check_names(config_setting_t *setting,
    const struct conf_place *place, struct err *err);
static int fail_unknown(const char *name, const struct conf_place *place,
    struct err *err);
static bool is_group(const char *name);
static int check_destinations(
    config_setting_t *list, const struct conf *conf, struct err *err);
static void free_group(const char *group, void *base);

const char *
conf_path(const char *option)
{
	const char *path = option;

	if (path == NULL)
		path = getenv("DCMSPOOL_CONF");
	return path != NULL && *path != '\0' ? path : CONF_DEFAULT_PATH;
}

int
conf_load(const char *path, struct conf **conf, struct err *err)
{
	struct conf *loaded = NULL;
	config_t config;
	char *text = NULL;
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
	if (read_all(config_root_setting(&config), loaded, err) < 0)
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
