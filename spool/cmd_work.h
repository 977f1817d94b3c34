/*
 * What the commands that act on items share: naming items, asking first,
 * telling what was done.
 */
#ifndef DCMSPOOL_CMD_WORK_H
#define DCMSPOOL_CMD_WORK_H

#include "cmd_filter.h"
#include "cmd_progress.h"
#include "label.h"

struct cmd_work {
	const struct cmd *cmd;
	const char *verb;   /* the sub-command */
	const char *target; /* where the items go, for the ledger; or NULL */
	char
	    renamed[LABEL_SIZE]; /* its label where the act changed it, or "" */
	struct cmd_filter filter;
	unsigned states;     /* where the filter names none; 0: it has to */
	unsigned not_states; /* never: what they are in already */
	bool takes_active;   /* also from a lane's hands: nothing is moved */
	bool yes, dry_run, null;
	struct cmd_progress progress;
	uint64_t done;
	bool missed; /* something was not there, or not to be done */
};

/* 1 done; 0 it went meanwhile, or cannot be, and that is said here or (where
 * it went) by the caller; -1: *err, and a temporary one ends the command. */
typedef int cmd_act(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);

/*
 * Parses filters, --all DEST[/STATE], --yes, --dry-run, -0; work->cmd and
 * verb are set. What else there is begins at argv[optind].
 */
int cmd_work_parse(
    struct cmd_work *work, int argc, char **argv, struct err *err);

/*
 * Acts on what the n words name, narrowed by the filter; where there is none,
 * on what the filter lets through, and asks before. Returns the exit code.
 */
int cmd_work_run(
    struct cmd_work *work, char **words, int n, cmd_act *act, struct err *err);

/* "dcmspool: DEST/STATE/FILE: TEXT" on stderr, and work->missed. Returns 0. */
int cmd_work_miss(
    struct cmd_work *work, const struct cmd_item *item, const char *text);

/* cmd_state.c: tells who waits for the item at that destination, if anybody
 * does; 0 or -1. association may be "". */
int cmd_tell(const struct cmd *cmd, const struct cmd_item *item,
    const char *association, bool failed, const char *reason, struct err *err);

/* Private copies of items that are edited. Its dot hides it from the receiver,
 * whose files the others in tmp/ are. */
#define CMD_EDIT_FOLDER PATH_TMP "/.edit"

/* cmd_copy.c */

/* A file for ourselves below tmp/, named as an instance that is received: the
 * receiver takes away what is left there. -1 and *err, or the descriptor. */
int cmd_tmp_create(
    const struct cmd *cmd, char path[PATH_SIZE], struct err *err);

/* What is behind `offset` of from goes to to, at its place. 0 or -1. */
int cmd_copy_bytes(int from_fd, off_t offset, int to_fd, const char *path,
    struct cmd_progress *progress, struct err *err);

/*
 * Whether the data set of an item is what its envelope says: 0; -1
 * (ERR_CORRUPT) and the reason. Reads all of it.
 */
struct item_reader;
int cmd_digest_check(const struct item_reader *reader, const char *path,
    struct cmd_progress *progress, struct err *err);

#endif
