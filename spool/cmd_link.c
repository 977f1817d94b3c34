/*
 * dcmspool pause, resume, flush: what touch, rm and mv do to a destination.
 *
 * Errors: as fs.c.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cmd_filter.h"
#include "fs.h"

struct flush {
	const struct cmd *cmd;
	const char *dest;
	char **files;
	size_t n;
	uint64_t moved;
	struct err *err;
};

typedef int on_destination(
    const struct cmd *cmd, const char *dest, struct err *err);

static int for_each(const struct cmd *cmd, int argc, char **argv,
    on_destination *act, struct err *err);
static void audit(
    const struct cmd *cmd, enum counters_act act, const char *dest);
static void put_done(const struct cmd *cmd, const char *verb, const char *dest,
    const char *what);
static int pause_one(const struct cmd *cmd, const char *dest, struct err *err);
static int resume_one(const struct cmd *cmd, const char *dest, struct err *err);
static int flush_one(const struct cmd *cmd, const char *dest, struct err *err);
static int keep_name(void *context, const struct cmd_item *item);
static int make_due(struct flush *flush);
static int probe(
    const struct cmd *cmd, const char *dest, bool *probed, struct err *err);

int
cmd_pause(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	return for_each(cmd, argc, argv, pause_one, err);
}

int
cmd_resume(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	return for_each(cmd, argc, argv, resume_one, err);
}

int
cmd_flush(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	return for_each(cmd, argc, argv, flush_one, err);
}

static int
for_each(const struct cmd *cmd, int argc, char **argv, on_destination *act,
    struct err *err)
{
	static const struct option options[] = {{NULL, 0, NULL, 0}};
	struct cmd_selection selection;
	int i;

	if (getopt_long(argc, argv, "", options, NULL) != -1)
		return cmd_bad_option(argv, err);
	if (optind == argc)
		return err_set(
		    err, ERR_USAGE, "%s: of which destination?", argv[0]);
	for (i = optind; i < argc; i++) {
		if (cmd_select(cmd, argv[i], &selection, err) == -1)
			return -1;
		if (selection.has_state)
			return err_set(err, ERR_USAGE,
			    "%s: a destination, not %s", argv[0], argv[i]);
	}
	/* Nothing is done where one of them is wrong. */
	for (i = optind; i < argc; i++)
		if (cmd_select(cmd, argv[i], &selection, err) == -1 ||
		    act(cmd, selection.dest, err) == -1)
			return -1;
	return EX_OK;
}

static void
audit(const struct cmd *cmd, enum counters_act act, const char *dest)
{
	struct cmd_item item = {.file = ""};

	(void)snprintf(item.dest, sizeof(item.dest), "%s", dest);
	cmd_audit(cmd, act, &item, "", "");
}

static void
put_done(
    const struct cmd *cmd, const char *verb, const char *dest, const char *what)
{
	if (cmd->terminal)
		(void)printf("%s %s\n", dest, what);
	else
		(void)printf("%s\t%s\t%s\n", verb, dest, what);
}

static int
pause_one(const struct cmd *cmd, const char *dest, struct err *err)
{
	struct err local = {.class = ERR_NONE};
	char path[PATH_SIZE];
	int fd;

	if (spool_make_destination(&cmd->spool, dest, err) == -1)
		return -1;
	path_paused(path, dest);
	fd = fs_create(cmd->spool.root_fd, path, &local);
	if (fd == -1 && local.sys != EEXIST) {
		*err = local;
		return -1;
	}
	put_done(cmd, "pause", dest, fd == -1 ? "is paused already" : "paused");
	if (fd != -1)
		audit(cmd, COUNTERS_ACT_PAUSE, dest);
	return fs_close(&fd, path, err);
}

static int
resume_one(const struct cmd *cmd, const char *dest, struct err *err)
{
	char path[PATH_SIZE];
	int rc;

	path_paused(path, dest);
	rc = fs_unlink(cmd->spool.root_fd, path, err);
	if (rc != -1)
		put_done(
		    cmd, "resume", dest, rc == 1 ? "resumed" : "is not paused");
	if (rc == 1)
		audit(cmd, COUNTERS_ACT_RESUME, dest);
	return rc == -1 ? -1 : 0;
}

static int
flush_one(const struct cmd *cmd, const char *dest, struct err *err)
{
	struct flush flush = {.cmd = cmd, .dest = dest, .err = err};
	bool probed = false;
	int rc;

	rc = cmd_scan(cmd, dest, QUEUE_DEFERRED, keep_name, &flush, err);
	if (rc == 0)
		rc = make_due(&flush);
	if (rc == 0)
		rc = probe(cmd, dest, &probed, err);
	if (rc == 0) {
		if (cmd->terminal)
			(void)printf("%s: %" PRIu64 " deferred item%s due%s\n",
			    dest, flush.moved,
			    flush.moved == 1 ? " is" : "s are",
			    probed ? ", and the link is probed now" : "");
		else
			(void)printf("flush\t%s\t%" PRIu64 "\t%s\n", dest,
			    flush.moved, probed ? "probed" : "-");
		audit(cmd, COUNTERS_ACT_FLUSH, dest);
	}
	while (flush.n > 0)
		free(flush.files[--flush.n]);
	free(flush.files);
	return rc;
}

static int
keep_name(void *context, const struct cmd_item *item)
{
	struct flush *flush = context;
	char **files = flush->files;

	if ((flush->n & (flush->n + 1)) == 0) { /* full at 0, 1, 3, 7, ... */
		files = reallocarray(files, 2 * (flush->n + 1), sizeof(*files));
		if (files == NULL)
			return err_sys(flush->err, "keep the items' names");
		flush->files = files;
	}
	files[flush->n] = strdup(item->file);
	if (files[flush->n] == NULL)
		return err_sys(flush->err, "keep the items' names");
	flush->n++;
	return 0;
}

/* One that went on meanwhile, or whose place is taken, is left to the sender.
 */
static int
make_due(struct flush *flush)
{
	char from[PATH_SIZE], to[PATH_SIZE];
	size_t i;
	int rc;

	for (i = 0; i < flush->n; i++) {
		path_item(from, flush->dest, QUEUE_DEFERRED, flush->files[i]);
		path_item(to, flush->dest, QUEUE_NEW, flush->files[i]);
		rc = fs_rename(flush->cmd->spool.root_fd, from, to, flush->err);
		if (rc == -1 && flush->err->sys != EEXIST)
			return -1;
		flush->moved += rc == 1;
	}
	return 0;
}

/*
 * A link record that somebody took away is for the sender the wish to try at
 * once. Without a sender it stays: the next one probes at its start, and who
 * waits for an answer is to know since when it has been down.
 */
static int
probe(const struct cmd *cmd, const char *dest, bool *probed, struct err *err)
{
	char path[PATH_SIZE];
	bool runs;
	int rc;

	*probed = false;
	if (conf_find_destination(cmd->conf, dest) == NULL)
		return 0;
	if (cmd_sender_runs(cmd, &runs, err) == -1)
		return -1;
	if (!runs)
		return 0;
	path_down(path, dest);
	rc = fs_unlink(cmd->spool.root_fd, path, err);
	*probed = rc == 1;
	return rc == -1 ? -1 : 0;
}
