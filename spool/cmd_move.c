/*
 * dcmspool move and copy: to another destination's new/. A copy is a second
 * name of the file, as the receiver makes them for several destinations.
 *
 * Errors: as fs.c; where the name is taken there, the item stays where it is.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cmd_work.h"
#include "fs.h"
#include "item.h"

#define BIT(state) CMD_STATE_BIT(QUEUE_##state)

struct transfer {
	struct cmd_work work; /* the first, for cmd_act */
	char dest[NAME_DEST_SIZE];
};

static int run(struct transfer *transfer, int argc, char **argv, cmd_act *act,
    struct err *err);
static int take_dest(
    struct transfer *transfer, const char *word, struct err *err);
static int move_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);
static int copy_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);

int
cmd_move(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct transfer transfer = {.work.cmd = cmd,
	    .work.states = BIT(NEW) | BIT(DEFERRED) | BIT(HOLD) | BIT(FAILED)};

	return run(&transfer, argc, argv, move_one, err);
}

int
cmd_copy(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct transfer transfer = {.work.cmd = cmd,
	    .work.takes_active = true,
	    .work.states = BIT(NEW) | BIT(ACTIVE) | BIT(DEFERRED) | BIT(HOLD) |
			   BIT(FAILED) | BIT(SENT)};

	return run(&transfer, argc, argv, copy_one, err);
}

static int
run(struct transfer *transfer, int argc, char **argv, cmd_act *act,
    struct err *err)
{
	struct cmd_work *work = &transfer->work;

	if (cmd_work_parse(work, argc, argv, err) == -1)
		return -1;
	if (optind == argc)
		return err_set(err, ERR_USAGE,
		    "%s: the last argument is the destination", argv[0]);
	if (take_dest(transfer, argv[argc - 1], err) == -1)
		return -1;
	return cmd_work_run(work, argv + optind, argc - 1 - optind, act, err);
}

static int
take_dest(struct transfer *transfer, const char *word, struct err *err)
{
	struct cmd_work *work = &transfer->work;
	struct cmd_selection selection;

	if (cmd_select(work->cmd, word, &selection, err) == -1)
		return -1;
	if (selection.has_state)
		return err_set(err, ERR_USAGE,
		    "%s: to a destination, not %s; it goes to its new/",
		    work->verb, word);
	(void)strcpy(transfer->dest, selection.dest);
	work->target = transfer->dest;
	return work->dry_run ? 0
			     : spool_make_destination(
				   &work->cmd->spool, transfer->dest, err);
}

static int
move_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	const struct transfer *transfer = (const struct transfer *)work;
	char association[PATH_ASSOCIATION_SIZE] = "", from[PATH_SIZE];
	char to[PATH_SIZE], reason[NAME_DEST_SIZE + 64];
	int root_fd = work->cmd->spool.root_fd, rc;

	if (strcmp(transfer->dest, item->dest) == 0)
		return cmd_work_miss(
		    work, item, "is of that destination already");
	path_item(from, item->dest, item->state, item->file);
	path_item(to, transfer->dest, QUEUE_NEW, item->file);
	(void)item_peek_association(&work->cmd->spool, from, association);
	rc = fs_rename(root_fd, from, to, err);
	if (rc == 0)
		return cmd_work_miss(
		    work, item, "went on meanwhile; nothing is done");
	path_record(from, item->dest, item->file);
	if (rc == -1 || fs_unlink(root_fd, from, err) == -1)
		return -1;
	(void)snprintf(reason, sizeof(reason), "moved to %s by an operator",
	    transfer->dest);
	if (cmd_tell(work->cmd, item, association, false, reason, err) == -1)
		return -1;
	return 1;
}

static int
copy_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	const struct transfer *transfer = (const struct transfer *)work;
	char from[PATH_SIZE], to[PATH_SIZE];

	path_item(from, item->dest, item->state, item->file);
	path_item(to, transfer->dest, QUEUE_NEW, item->file);
	if (fs_link(work->cmd->spool.root_fd, from, to, err) == 0)
		return 1;
	return err->sys == ENOENT ? cmd_work_miss(work, item,
					"went on meanwhile; nothing is done")
				  : -1;
}
