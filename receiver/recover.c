/*
 * What receivers and their children leave behind.
 *
 * Errors: as fs.c; the first that cannot be removed ends it.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/fs.h"
#include "../spool/log.h"
#include "../spool/renew.h"
#include "recover.h"

struct recovery {
	const struct spool *spool;
	int tmp_fd;
	const char *prefix; /* of names in tmp/; NULL: all */
	int instances, associations;
	struct err *err;
};

static int empty_tmp(struct recovery *r);
static int remove_instance(void *context, const char *file);
static int remove_association(void *context, const char *association);

int
recover_all(const struct spool *spool, struct err *err)
{
	struct recovery r = {.spool = spool, .err = err};

	if (empty_tmp(&r) == -1 || fs_scan(spool->root_fd, PATH_RESULT,
				       remove_association, &r, err) != 0)
		return -1;
	if (r.instances > 0 || r.associations > 0)
		LOG(LOG_LEVEL_INFO, "recovered",
		    LOG_INT("instances", r.instances),
		    LOG_INT("associations", r.associations));
	return 0;
}

int
recover_association(
    const struct spool *spool, const char *association, struct err *err)
{
	struct recovery r = {.spool = spool, .err = err};
	char prefix[PATH_ASSOCIATION_SIZE + 1];
	char spare[PATH_ASSOCIATION_SIZE + 2]; /* see path_spare */
	int rc = 0;

	(void)snprintf(prefix, sizeof(prefix), "%s.", association);
	r.prefix = prefix;
	(void)snprintf(spare, sizeof(spare), "%s-0", association);
	/* Each of them, whatever became of the one before. */
	if (empty_tmp(&r) == -1)
		rc = -1;
	if (remove_association(&r, spare) == -1)
		rc = -1;
	if (remove_association(&r, association) == -1)
		rc = -1;
	return rc;
}

void
recover_folders(const struct spool *spool, const struct conf *conf)
{
	char path[PATH_SIZE];
	struct err err;
	size_t i;
	int rc;

	for (i = 0; i < conf->destinations_n; i++) {
		path_state(path, conf->destinations[i].name, QUEUE_NEW);
		rc =
		    renew_folder(spool, conf->destinations[i].name, path, &err);
		if (rc == 1)
			LOG(LOG_LEVEL_INFO, "folder-renewed",
			    LOG_STR("folder", path));
		else if (rc == -1)
			LOG(LOG_LEVEL_ERROR, "folder-not-renewed",
			    LOG_STR("folder", path),
			    LOG_STR("error", err.text));
	}
}

static int
empty_tmp(struct recovery *r)
{
	int rc;

	r->tmp_fd = fs_open_dir(r->spool->root_fd, PATH_TMP, r->err);
	if (r->tmp_fd == -1)
		return -1;
	rc = fs_scan(r->tmp_fd, ".", remove_instance, r, r->err);
	(void)fs_close(&r->tmp_fd, PATH_TMP, NULL);
	return rc == 0 ? 0 : -1;
}

static int
remove_instance(void *context, const char *file)
{
	struct recovery *r = context;

	if (r->prefix != NULL &&
	    strncmp(file, r->prefix, strlen(r->prefix)) != 0)
		return 0;
	if (fs_unlink(r->tmp_fd, file, r->err) == -1)
		return -1;
	r->instances++;
	return 0;
}

static int
remove_association(void *context, const char *association)
{
	struct recovery *r = context;
	char path[PATH_SIZE];

	if (!path_association_valid(association))
		return 0;
	path_association(path, association);
	if (fs_remove_tree(r->spool->root_fd, path, r->err) == -1)
		return -1;
	r->associations++;
	return 0;
}
