/*
 * dcmspool wait: until nothing is in new/, active/ or deferred/. An item on
 * its way from one folder to another can be missed by one look at all of
 * them; but then there is an event, and the look counts for nothing. Where
 * nothing can be watched, two looks in a row have to find nothing.
 *
 * Errors: as fs.c.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "cmd.h"
#include "cmd_progress.h"
#include "fs.h"
#include "watch.h"

#define LOOK_MS	 1000 /* at least so often, whatever inotify says */
#define COUNT_MS 250  /* and at most, where each look counts for the bar */

struct waiting {
	const struct cmd *cmd;
	struct cmd_selection selection;
	int64_t until_ms; /* monotonic */
	int watch_fd;	  /* -1: look only */
	bool changed;	  /* an event came */
	struct cmd_progress progress;
	uint64_t n; /* at the last look; without a bar 1 for any */
};

static int parse(struct waiting *waiting, int argc, char **argv,
    const char **word, struct err *err);
static int parse_seconds(const char *text, int64_t *until_ms, struct err *err);
static int wait_until_empty(struct waiting *waiting, struct err *err);
static int look(struct waiting *waiting, struct err *err);
static int look_at(struct waiting *waiting, const char *dest, struct err *err);
static int drain(struct waiting *waiting, struct err *err);
static void show(struct waiting *waiting, uint64_t before);
static int take(void *context, const struct cmd_item *item);
static void note(void *context, int wd, enum watch_what what, const char *file);

int
cmd_wait(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct waiting waiting = {
	    .cmd = cmd, .until_ms = INT64_MAX, .watch_fd = -1};
	const char *word = NULL;
	int rc;

	if (parse(&waiting, argc, argv, &word, err) == -1 ||
	    cmd_select(cmd, word, &waiting.selection, err) == -1)
		return -1;
	if (waiting.selection.has_state)
		return err_set(
		    err, ERR_USAGE, "wait: for a destination, not %s", word);
	waiting.watch_fd = watch_open(NULL);
	cmd_progress_begin(&waiting.progress, "wait", 0);
	rc = wait_until_empty(&waiting, err);
	cmd_progress_end(&waiting.progress);
	(void)fs_close(&waiting.watch_fd, "inotify", NULL);
	if (rc == 1)
		(void)fprintf(
		    stderr, "dcmspool: time is up, and items still wait\n");
	return rc == -1 ? -1 : rc == 0 ? EX_OK : CMD_NOTHING;
}

static int
parse(struct waiting *waiting, int argc, char **argv, const char **word,
    struct err *err)
{
	static const struct option options[] = {
	    {"timeout", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 't')
			return cmd_bad_option(argv, err);
		if (parse_seconds(optarg, &waiting->until_ms, err) == -1)
			return -1;
	}
	*word = optind < argc ? argv[optind] : NULL;
	if (optind + 1 < argc)
		return err_set(err, ERR_USAGE, "wait: unexpected argument %s",
		    argv[optind + 1]);
	return 0;
}

static int
parse_seconds(const char *text, int64_t *until_ms, struct err *err)
{
	char *end;
	long s;

	errno = 0;
	s = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || s < 0 || s > INT_MAX)
		return err_set(err, ERR_USAGE,
		    "wait: --timeout %s: write whole seconds", text);
	*until_ms = clock_mono_ms() + (int64_t)s * 1000;
	return 0;
}

/* 0 nothing is left, 1 the time is up, -1 */
static int
wait_until_empty(struct waiting *waiting, struct err *err)
{
	struct pollfd poll_fd = {.events = POLLIN};
	int64_t left_ms;
	int found, empty = 0;

	for (;;) {
		if (drain(waiting, err) == -1)
			return -1;
		waiting->changed = false;
		found = look(waiting, err);
		if (found == -1 || drain(waiting, err) == -1)
			return -1;
		empty = found || waiting->changed ? 0 : empty + 1;
		if (empty >= (waiting->watch_fd == -1 ? 2 : 1))
			return 0;
		left_ms = waiting->until_ms - clock_mono_ms();
		if (left_ms <= 0)
			return found || waiting->changed;
		if (found && waiting->progress.terminal) {
			(void)poll(NULL, 0,
			    left_ms < COUNT_MS ? (int)left_ms : COUNT_MS);
			continue;
		}
		poll_fd.fd = waiting->watch_fd;
		if (found || !waiting->changed)
			(void)poll(&poll_fd, 1,
			    left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
	}
}

/* 1 there is an item, 0, -1. Watches what it looks at. */
static int
look(struct waiting *waiting, struct err *err)
{
	const char *wanted = waiting->selection.dest;
	struct cmd_destination *list = NULL;
	uint64_t before = waiting->n;
	size_t n = 0, i;
	int rc;

	waiting->n = 0;
	rc = cmd_destinations(waiting->cmd, &list, &n, err);
	for (i = 0; i < n && rc == 0; i++)
		if (list[i].has_folder &&
		    (wanted[0] == '\0' || strcmp(wanted, list[i].name) == 0))
			rc = look_at(waiting, list[i].name, err);
	free(list);
	show(waiting, before);
	return rc == 0 ? waiting->n > 0 : rc;
}

/* What came meanwhile is to be waited for, too. */
static void
show(struct waiting *waiting, uint64_t before)
{
	if (waiting->n > before)
		waiting->progress.total += waiting->n - before;
	cmd_progress_add(
	    &waiting->progress, waiting->n < before ? before - waiting->n : 0);
}

static int
look_at(struct waiting *waiting, const char *dest, struct err *err)
{
	static const enum queue_state states[] = {
	    QUEUE_NEW, QUEUE_ACTIVE, QUEUE_DEFERRED};
	int root_fd = waiting->cmd->spool.root_fd, rc = 0;
	char path[PATH_SIZE];
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		path_state(path, dest, states[i]);
		if (waiting->watch_fd != -1 &&
		    watch_add(waiting->watch_fd, root_fd, path, WATCH_BOTH,
			NULL) == -1)
			(void)fs_close(&waiting->watch_fd, "inotify", NULL);
	}
	for (i = 0; i < sizeof(states) / sizeof(states[0]) && rc == 0; i++)
		rc =
		    cmd_scan(waiting->cmd, dest, states[i], take, waiting, err);
	return rc;
}

static int
drain(struct waiting *waiting, struct err *err)
{
	bool before = waiting->changed, more = waiting->watch_fd != -1;

	while (more) {
		waiting->changed = false;
		if (watch_read(waiting->watch_fd, note, waiting, err) == -1)
			return -1;
		more = waiting->changed;
		before = before || more;
	}
	waiting->changed = before;
	return 0;
}

/* Without a bar one is enough. */
static int
take(void *context, const struct cmd_item *item)
{
	struct waiting *waiting = context;

	(void)item;
	waiting->n++;
	return waiting->progress.terminal ? 0 : 1;
}

static void
note(void *context, int wd, enum watch_what what, const char *file)
{
	struct waiting *waiting = context;

	(void)wd;
	(void)what;
	(void)file;
	waiting->changed = true;
}
