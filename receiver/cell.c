/*
 * The confinement of a child, before it reads its first byte.
 *
 * Errors: as confine.c; the child must not go on.
 */
#include <errno.h>
#include <stdlib.h>

#include "../spool/fs.h"
#include "../spool/ledger.h"
#include "cell.h"

#define OTHER_FOLDERS 2

static bool may_wait(const struct child *child);
static bool is_routed_to(const struct conf *conf, size_t destination);
static int confine(const struct child *child, struct err *err);

void
cell_prepare(const struct spool *spool, const struct conf *conf)
{
	char path[PATH_SIZE];
	const char *name;
	struct stat st;
	size_t i;

	for (i = 0; i < conf->destinations_n; i++) {
		name = conf->destinations[i].name;
		path_state(path, name, QUEUE_NEW);
		/* Where it cannot be made the child says so. */
		if (fs_stat(spool->root_fd, path, &st, NULL) == 0 &&
		    spool_make_destination(spool, name, NULL) == 0)
			(void)spool_sync_destination(spool, name, NULL);
	}
}

int
cell_enter(struct child *child, struct err *err)
{
	char path[PATH_SIZE];

	child->queue_fd = fs_open_dir(child->spool->root_fd, PATH_QUEUE, err);
	if (child->queue_fd == -1 ||
	    confine_raise_fd(&child->queue_fd, err) == -1)
		return -1;
	/* Under a name that tells nobody that it waits. */
	path_spare(path, child->association);
	if (child->mode == CHILD_SERVE && may_wait(child))
		(void)fs_mkdir(child->spool->root_fd, path, NULL);
	ledger_confine(child->shared->ledger);
	return confine(child, err);
}

static bool
may_wait(const struct child *child)
{
	size_t i;

	for (i = 0; i < child->conf->routes_n; i++)
		if (child->conf->routes[i].answer_when == CONF_ANSWER_DELIVERED)
			return true;
	return false;
}

static bool
is_routed_to(const struct conf *conf, size_t destination)
{
	const struct conf_route *route;
	size_t i;

	for (route = conf->routes; route < conf->routes + conf->routes_n;
	     route++)
		for (i = 0; i < route->destinations_n; i++)
			if (route->destinations[i] == destination)
				return true;
	return false;
}

/* Its own file in tmp/, from there into new/ of each destination, and its own
 * markers. */
static int
confine(const struct child *child, struct err *err)
{
	size_t n = child->conf->destinations_n, i;
	struct confine_folder *folders;
	char(*path)[PATH_SIZE];
	int rc;

	folders = calloc(n + OTHER_FOLDERS, sizeof(*folders));
	path = calloc(n + 1, sizeof(*path));
	if (folders == NULL || path == NULL) {
		rc = err_sys(err, "get memory for a list of folders");
		goto out;
	}
	for (i = 0; i < n; i++) {
		path_state(
		    path[i], child->conf->destinations[i].name, QUEUE_NEW);
		folders[i].path = path[i];
		if (is_routed_to(child->conf, i))
			folders[i].uses =
			    CONFINE_LIST | CONFINE_MAKE | CONFINE_MOVE;
	}
	folders[n] = (struct confine_folder){
	    PATH_TMP, CONFINE_READ | CONFINE_WRITE | CONFINE_MAKE |
			  CONFINE_REMOVE | CONFINE_MOVE};
	path_spare(path[n], child->association);
	folders[n + 1] = (struct confine_folder){
	    path[n], CONFINE_READ | CONFINE_LIST | CONFINE_REMOVE};
	rc = confine_enter(child->confine, child->spool->root_fd, folders,
	    n + OTHER_FOLDERS, err);
out:
	free(path);
	free(folders);
	return rc;
}
