/*
 * dcmspool expire: what the sender does by KeepSent and KeepFailed, for a
 * cron job, and while no sender runs. The sender does the same; whoever comes
 * first removes it.
 *
 * Errors: as fs.c.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "cmd.h"
#include "fs.h"
#include "keep.h"
#include "label.h"

struct expiry {
	const struct cmd *cmd;
	int64_t keep_s, now_s; /* real time */
	bool dry_run;
	uint64_t removed;
	struct err *err;
};

static int expire_destination(struct expiry *expiry,
    const struct conf_destination *dest, enum queue_state state,
    int64_t keep_s);
static int expire_item(void *context, const struct cmd_item *item);

int
cmd_expire(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
	    {"dry-run", no_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
	struct expiry expiry = {.cmd = cmd, .err = err};
	const struct conf_destination *dest;
	int option;
	size_t i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'n')
			return cmd_bad_option(argv, err);
		expiry.dry_run = true;
	}
	if (optind < argc)
		return err_set(err, ERR_USAGE, "expire: unexpected argument %s",
		    argv[optind]);
	for (i = 0; i < cmd->conf->destinations_n; i++) {
		dest = &cmd->conf->destinations[i];
		if (expire_destination(
			&expiry, dest, QUEUE_SENT, dest->keep_sent_s) == -1)
			return -1;
		/* 0 keeps it for ever. */
		if (dest->keep_failed_s > 0 &&
		    expire_destination(
			&expiry, dest, QUEUE_FAILED, dest->keep_failed_s) == -1)
			return -1;
	}
	return EX_OK;
}

static int
expire_destination(struct expiry *expiry, const struct conf_destination *dest,
    enum queue_state state, int64_t keep_s)
{
	int rc;

	expiry->keep_s = keep_s;
	expiry->now_s = clock_real_us() / 1000000;
	expiry->removed = 0;
	rc = cmd_scan(
	    expiry->cmd, dest->name, state, expire_item, expiry, expiry->err);
	if (expiry->removed > 0)
		(void)printf(expiry->cmd->terminal
				 ? "%sexpire %s/%s: %" PRIu64 "\n"
				 : "%sexpire\t%s/%s\t%" PRIu64 "\n",
		    expiry->dry_run ? "would " : "", dest->name,
		    queue_state_name(state), expiry->removed);
	return rc;
}

/* By the time at which it came into the folder. */
static int
expire_item(void *context, const struct cmd_item *item)
{
	struct expiry *expiry = context;
	int root_fd = expiry->cmd->spool.root_fd, rc = 1;
	char path[PATH_SIZE], label[LABEL_SIZE];
	struct stat st;

	path_item(path, item->dest, item->state, item->file);
	if (fs_stat(root_fd, path, &st, NULL) != 1 || !S_ISREG(st.st_mode) ||
	    !keep_is_over(
		item->state, expiry->keep_s, st.st_ctim.tv_sec, expiry->now_s))
		return 0;
	label_path(root_fd, path, item->file, label);
	if (!expiry->dry_run) {
		rc = fs_unlink(root_fd, path, expiry->err);
		path_record(path, item->dest, item->file);
		if (rc == 1 && fs_unlink(root_fd, path, expiry->err) == -1)
			rc = -1;
	}
	if (rc == 1 && !expiry->dry_run)
		cmd_audit(expiry->cmd, COUNTERS_ACT_EXPIRE, item, label, "");
	expiry->removed += rc == 1;
	return rc == -1 ? -1 : 0;
}
