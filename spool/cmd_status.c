/*
 * dcmspool status: the daemons, the disk, and each destination.
 *
 * Errors: as fs.c. A link record that cannot be read shows as a link that is
 * down, with the error as the reason.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "cmd_status.h"
#include "fs.h"
#include "result.h"

#define RECORDS_MAX 1000 /* read for the next attempt, a destination */

struct census {
	const struct cmd *cmd;
	struct status_destination *to;
	unsigned records;
};

static int parse(int argc, char **argv, bool *quiet, bool *json, struct err *);
static int take_daemons(
    const struct cmd *cmd, struct status *status, struct err *err);
static int is_locked(
    const struct cmd *cmd, const char *path, bool *held, struct err *err);
static int take_destination(const struct cmd *cmd,
    const struct cmd_destination *destination, struct status_destination *to,
    struct err *err);
static void take_link(const struct cmd *cmd, struct status_destination *to);
static int count_item(void *context, const struct cmd_item *item);
static bool needs_attention(const struct cmd *cmd, const struct status *status);

int
cmd_status(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct status status = {.destinations = NULL};
	struct cmd_destination *list = NULL;
	bool quiet, json;
	int rc = -1;
	size_t n, i;

	if (parse(argc, argv, &quiet, &json, err) == -1 ||
	    take_daemons(cmd, &status, err) == -1 ||
	    cmd_destinations(cmd, &list, &n, err) == -1)
		goto out;
	status.destinations = calloc(n, sizeof(*status.destinations));
	if (status.destinations == NULL && n > 0) {
		(void)err_sys(err, "get memory for the status");
		goto out;
	}
	for (i = 0; i < n; i++)
		if (take_destination(
			cmd, &list[i], &status.destinations[i], err) == -1)
			goto out;
	status.n = n;
	status.well = !needs_attention(cmd, &status);
	status.now_us = clock_real_us();
	rc = quiet ? 0 : status_print(cmd, &status, json, err);
	if (rc == 0)
		rc = status.well ? EX_OK : CMD_NOTHING;
out:
	free(status.destinations);
	free(list);
	return rc;
}

static int
parse(int argc, char **argv, bool *quiet, bool *json, struct err *err)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	int option;

	*quiet = *json = false;
	while ((option = getopt_long(argc, argv, "q", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			*quiet = true;
			break;
		case 'j':
			*json = true;
			break;
		default:
			return cmd_bad_option(argv, err);
		}
	}
	if (optind < argc)
		return err_set(err, ERR_USAGE, "status: unexpected argument %s",
		    argv[optind]);
	return 0;
}

static int
take_daemons(const struct cmd *cmd, struct status *status, struct err *err)
{
	if (is_locked(cmd, PATH_QUEUE, &status->sender_runs, err) == -1 ||
	    is_locked(cmd, PATH_RESULT, &status->receiver_runs, err) == -1)
		return -1;
	return fs_free(
	    cmd->spool.root_fd, &status->free_bytes, &status->free_inodes, err);
}

/* Looks, for an instant, whether a daemon holds its lock. */
static int
is_locked(const struct cmd *cmd, const char *path, bool *held, struct err *err)
{
	int fd, rc;

	fd = fs_open_dir(cmd->spool.root_fd, path, err);
	if (fd == -1)
		return -1;
	rc = fs_lock_held(fd, path, err);
	(void)fs_close(&fd, path, NULL);
	*held = rc == 1;
	return rc == -1 ? -1 : 0;
}

static int
take_destination(const struct cmd *cmd,
    const struct cmd_destination *destination, struct status_destination *to,
    struct err *err)
{
	struct census census = {.cmd = cmd, .to = to};
	char path[PATH_SIZE];
	struct stat st;
	int state, there;

	to->destination = *destination;
	path_paused(path, destination->name);
	there = fs_stat(cmd->spool.root_fd, path, &st, err);
	if (there == -1)
		return -1;
	to->paused = there == 1;
	take_link(cmd, to);
	for (state = 0; state < QUEUE_STATES; state++)
		if (cmd_scan(cmd, destination->name, (enum queue_state)state,
			count_item, &census, err) == -1)
			return -1;
	return 0;
}

static void
take_link(const struct cmd *cmd, struct status_destination *to)
{
	struct err err = {.class = ERR_NONE};
	int down;

	down = link_read_down(
	    cmd->spool.root_fd, to->destination.name, &to->down, &err);
	to->is_down = down != 0;
	if (down == -1) {
		to->down = (struct link_down){.since_us = 0};
		(void)snprintf(to->down.reason, sizeof(to->down.reason), "%.*s",
		    (int)sizeof(to->down.reason) - 1, err.text);
	}
}

static int
count_item(void *context, const struct cmd_item *item)
{
	struct census *census = context;
	struct status_destination *to = census->to;
	struct item_name name;
	struct result result;

	to->count[item->state]++;
	if (item->state != QUEUE_NEW && item->state != QUEUE_ACTIVE &&
	    item->state != QUEUE_DEFERRED)
		return 0;
	if (name_parse(item->file, &name) &&
	    (to->oldest_us == 0 || name.stamp_us < to->oldest_us))
		to->oldest_us = name.stamp_us;
	if (item->state == QUEUE_DEFERRED && census->records < RECORDS_MAX) {
		census->records++;
		if (result_read_record(census->cmd->spool.root_fd, item->dest,
			item->file, &result, NULL) == 1 &&
		    result.next_us != 0 &&
		    (to->next_us == 0 || result.next_us < to->next_us))
			to->next_us = result.next_us;
	}
	return 0;
}

static bool
needs_attention(const struct cmd *cmd, const struct status *status)
{
	const struct status_destination *d;
	size_t i;

	if (!status->sender_runs || !status->receiver_runs ||
	    status->free_bytes < cmd->conf->min_free_bytes ||
	    status->free_inodes < cmd->conf->min_free_inodes)
		return true;
	for (i = 0; i < status->n; i++) {
		d = &status->destinations[i];
		if (d->is_down || d->count[QUEUE_FAILED] > 0 ||
		    d->count[QUEUE_CORRUPT] > 0)
			return true;
		if (!d->destination.configured &&
		    d->count[QUEUE_NEW] + d->count[QUEUE_ACTIVE] +
			    d->count[QUEUE_DEFERRED] >
			0)
			return true;
	}
	return false;
}
