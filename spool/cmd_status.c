/*
 * dcmspool status: the daemons, the disk, and each destination.
 *
 * Errors: as fs.c. A link record that cannot be read shows as a link that is
 * down, with the error as the reason.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "cmd_filter.h"
#include "cmd_status.h"
#include "counters.h"
#include "fs.h"
#include "result.h"

#define RECORDS_MAX  1000 /* read of each of deferred and failed */
#define WATCH_S	     2
#define WATCH_RATE_N 30 /* looks over which the rate is taken */

struct census {
	const struct cmd *cmd;
	struct status_destination *to;
	unsigned deferred_read, failed_read;
};

struct options {
	bool quiet, json, watch;
	int64_t every_s;
};

/* What waited at the last looks, a ring. */
struct history {
	uint64_t waiting[WATCH_RATE_N];
	int64_t at_us[WATCH_RATE_N];
	size_t n;
};

static int parse(
    int argc, char **argv, struct options *options, struct err *err);
static int look(const struct cmd *cmd, const struct options *options,
    struct history *history, struct err *err);
static void take_rate(struct status *status, struct history *history);
static int take_daemons(
    const struct cmd *cmd, struct status *status, struct err *err);
static int is_locked(
    const struct cmd *cmd, const char *path, bool *held, struct err *err);
static int take_destination(const struct cmd *cmd,
    const struct cmd_destination *destination, struct status_destination *to,
    struct err *err);
static void take_counters(const struct cmd *cmd, struct status_destination *to);
static void take_link(const struct cmd *cmd, struct status_destination *to);
static int count_item(void *context, const struct cmd_item *item);
static void read_record(struct census *census, const struct cmd_item *item);
static void count_kind(
    struct status_destination *to, int status, const char *file);
static bool needs_attention(const struct cmd *cmd, const struct status *status);

int
cmd_status(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct history history = {.n = 0};
	struct options options;
	int rc;

	if (parse(argc, argv, &options, err) == -1)
		return -1;
	do {
		if (options.watch && cmd->terminal && !options.quiet)
			(void)fputs("\033[H\033[2J", stdout);
		rc = look(cmd, &options, &history, err);
		if (!options.watch || rc == -1)
			break;
		/* Who reads it may have gone. */
		if (fflush(stdout) != 0)
			break;
		(void)poll(NULL, 0, (int)options.every_s * 1000);
	} while (true);
	return rc;
}

const char *
status_link_word(
    const struct status *status, const struct status_destination *d)
{
	if (!d->destination.configured)
		return "not configured";
	if (d->is_down)
		return "down";
	return status->sender_runs ? "up" : "unknown";
}

int64_t
status_link_since_us(
    const struct status *status, const struct status_destination *d)
{
	if (d->is_down)
		return d->down.since_us;
	return status->sender_runs && d->destination.configured ? d->up_us : 0;
}

int64_t
status_next_us(const struct status_destination *d)
{
	return d->is_down ? d->down.next_probe_us : d->next_us;
}

uint64_t
status_waiting(const struct status_destination *d)
{
	return d->count[QUEUE_NEW] + d->count[QUEUE_ACTIVE] +
	       d->count[QUEUE_DEFERRED];
}

int
status_take(const struct cmd *cmd, struct status *status, struct err *err)
{
	struct cmd_destination *list = NULL;
	int rc = -1;
	size_t n, i;

	*status = (struct status){.destinations = NULL};
	if (take_daemons(cmd, status, err) == -1 ||
	    cmd_destinations(cmd, &list, &n, err) == -1)
		goto out;
	status->destinations = calloc(n, sizeof(*status->destinations));
	if (status->destinations == NULL && n > 0) {
		(void)err_sys(err, "get memory for the status");
		goto out;
	}
	for (i = 0; i < n; i++)
		if (take_destination(
			cmd, &list[i], &status->destinations[i], err) == -1)
			goto out;
	status->n = n;
	status->now_us = clock_real_us();
	if (status_take_certificates(cmd, status, err) == -1)
		goto out;
	status->well = !needs_attention(cmd, status);
	rc = 0;
out:
	if (rc == -1)
		status_free(status);
	free(list);
	return rc;
}

void
status_free(struct status *status)
{
	free(status->destinations);
	free(status->certificates);
	status->destinations = NULL;
	status->certificates = NULL;
}

static int
look(const struct cmd *cmd, const struct options *options,
    struct history *history, struct err *err)
{
	struct status status;
	int rc;

	if (status_take(cmd, &status, err) == -1)
		return -1;
	if (options->watch)
		take_rate(&status, history);
	rc =
	    options->quiet ? 0 : status_print(cmd, &status, options->json, err);
	if (rc == 0)
		rc = status.well ? EX_OK : CMD_NOTHING;
	status_free(&status);
	return rc;
}

static int
parse(int argc, char **argv, struct options *options, struct err *err)
{
	static const struct option known[] = {{"json", no_argument, NULL, 'j'},
	    {"watch", optional_argument, NULL, 'w'}, {NULL, 0, NULL, 0}};
	int option;

	*options = (struct options){.every_s = WATCH_S};
	while ((option = getopt_long(argc, argv, "q", known, NULL)) != -1) {
		switch (option) {
		case 'q':
			options->quiet = true;
			break;
		case 'j':
			options->json = true;
			break;
		case 'w':
			options->watch = true;
			if (optarg == NULL)
				break;
			if (cmd_seconds_parse(optarg, &options->every_s) == 0 &&
			    options->every_s > 0 && options->every_s < 86400)
				break;
			return err_set(err, ERR_USAGE,
			    "status: --watch=%s: write seconds", optarg);
		default:
			return cmd_bad_option(argv, err);
		}
	}
	if (optind < argc)
		return err_set(err, ERR_USAGE, "status: unexpected argument %s",
		    argv[optind]);
	if (options->quiet && options->watch)
		return err_set(
		    err, ERR_USAGE, "status: -q shows nothing to watch");
	return 0;
}

/* From the oldest look that is kept, up to a minute ago, to this one. */
static void
take_rate(struct status *status, struct history *history)
{
	size_t at = history->n % WATCH_RATE_N, oldest;
	uint64_t waiting = 0;
	size_t i;

	for (i = 0; i < status->n; i++)
		waiting += status_waiting(&status->destinations[i]);
	oldest = history->n < WATCH_RATE_N ? 0 : at;
	if (history->n > 0) {
		status->watched_us = status->now_us - history->at_us[oldest];
		if (status->watched_us > 0)
			status->drain_per_s =
			    ((double)history->waiting[oldest] -
				(double)waiting) *
			    1e6 / (double)status->watched_us;
	}
	history->waiting[at] = waiting;
	history->at_us[at] = status->now_us;
	history->n++;
}

static int
take_daemons(const struct cmd *cmd, struct status *status, struct err *err)
{
	if (is_locked(cmd, PATH_QUEUE, &status->sender_runs, err) == -1 ||
	    is_locked(cmd, PATH_RESULT, &status->receiver_runs, err) == -1)
		return -1;
	if (fs_used_percent(cmd->spool.root_fd, &status->used_percent, err) ==
	    -1)
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
	if (to->paused)
		to->paused_us = (int64_t)st.st_mtim.tv_sec * 1000000;
	take_link(cmd, to);
	take_counters(cmd, to);
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

/* Nothing, where there are no counters that could be read. */
static void
take_counters(const struct cmd *cmd, struct status_destination *to)
{
	struct counters_values *values = calloc(1, sizeof(*values));

	if (values != NULL &&
	    counters_read(cmd->spool.root_fd, to->destination.name,
		clock_real_us(), values, NULL) == 1) {
		to->received_60s = values->received_60s;
		to->delivered_60s = values->delivered_60s;
		to->failed_60s = values->failed_60s;
		to->up_us = (int64_t)values->cell[COUNTERS_UP_SINCE_US];
	}
	free(values);
}

static int
count_item(void *context, const struct cmd_item *item)
{
	struct census *census = context;
	struct status_destination *to = census->to;
	struct item_name name;

	to->count[item->state]++;
	read_record(census, item);
	if (item->state != QUEUE_NEW && item->state != QUEUE_ACTIVE &&
	    item->state != QUEUE_DEFERRED)
		return 0;
	if (name_parse(item->file, &name) &&
	    (to->oldest_us == 0 || name.stamp_us < to->oldest_us))
		to->oldest_us = name.stamp_us;
	return 0;
}

/* Of so many that it is quick with a million. */
static void
read_record(struct census *census, const struct cmd_item *item)
{
	struct status_destination *to = census->to;
	struct result result;
	bool there;

	if (item->state == QUEUE_FAILED &&
	    census->failed_read++ >= RECORDS_MAX) {
		to->kinds_more++;
		return;
	}
	if (item->state != QUEUE_FAILED &&
	    (item->state != QUEUE_DEFERRED ||
		census->deferred_read++ >= RECORDS_MAX))
		return;
	there = result_read_record(census->cmd->spool.root_fd, item->dest,
		    item->file, &result, NULL) == 1;
	if (item->state == QUEUE_FAILED)
		count_kind(
		    to, there ? result.status : RESULT_NO_STATUS, item->file);
	else if (there && result.next_us != 0 &&
		 (to->next_us == 0 || result.next_us < to->next_us))
		to->next_us = result.next_us;
}

static void
count_kind(struct status_destination *to, int status, const char *file)
{
	struct status_kind *kind;
	size_t i = 0;

	while (i < to->kinds_n && to->kinds[i].status != status)
		i++;
	if (i == STATUS_KINDS) {
		to->kinds_more++;
		return;
	}
	kind = &to->kinds[i];
	if (i == to->kinds_n) {
		to->kinds_n++;
		kind->status = status;
	}
	if (kind->count++ == 0 || strcmp(file, kind->example) < 0)
		(void)snprintf(
		    kind->example, sizeof(kind->example), "%s", file);
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
	for (i = 0; i < status->certificates_n; i++)
		if (status_certificate_is_near(status, i))
			return true;
	for (i = 0; i < status->n; i++) {
		d = &status->destinations[i];
		if (d->is_down || d->count[QUEUE_FAILED] > 0 ||
		    d->count[QUEUE_CORRUPT] > 0)
			return true;
		if (!d->destination.configured && status_waiting(d) > 0)
			return true;
	}
	return false;
}
