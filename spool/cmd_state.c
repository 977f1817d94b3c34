/*
 * dcmspool retry, hold, release, fail, remove: one rename or one unlink an
 * item, and a sender that takes it first wins. So what goes with an item (its
 * record, the word to who waits) is written behind that.
 *
 * Errors: as fs.c; where the name is taken the item stays where it is.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "clock.h"
#include "cmd_work.h"
#include "fs.h"
#include "item.h"
#include "result.h"

#define WENT "went on meanwhile; nothing is done"

static int run(struct cmd_work *work, int argc, char **argv, cmd_act *act,
    struct err *err);
static int retry_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);
static int hold_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);
static int release_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);
static int fail_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);
static int remove_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);
static int move_to(struct cmd_work *work, const struct cmd_item *item,
    enum queue_state state, struct err *err);
static int renew_record(
    const struct cmd *cmd, const struct cmd_item *item, struct err *err);
static int fail_record(
    const struct cmd *cmd, const struct cmd_item *item, struct err *err);

#define BIT(state) CMD_STATE_BIT(QUEUE_##state)

int
cmd_retry(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct cmd_work work = {.cmd = cmd,
	    .states = BIT(DEFERRED) | BIT(FAILED),
	    .not_states = BIT(NEW) | BIT(ACTIVE)};

	return run(&work, argc, argv, retry_one, err);
}

int
cmd_hold(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct cmd_work work = {.cmd = cmd,
	    .states = BIT(NEW) | BIT(DEFERRED),
	    .not_states = BIT(HOLD)};

	return run(&work, argc, argv, hold_one, err);
}

int
cmd_release(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct cmd_work work = {.cmd = cmd,
	    .states = BIT(HOLD),
	    .not_states = CMD_STATES_ALL & ~BIT(HOLD)};

	return run(&work, argc, argv, release_one, err);
}

int
cmd_fail(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct cmd_work work = {.cmd = cmd,
	    .states = BIT(NEW) | BIT(DEFERRED) | BIT(HOLD),
	    .not_states = BIT(FAILED) | BIT(SENT) | BIT(CORRUPT)};

	return run(&work, argc, argv, fail_one, err);
}

int
cmd_remove(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct cmd_work work = {.cmd = cmd};

	return run(&work, argc, argv, remove_one, err);
}

int
cmd_tell(const struct cmd *cmd, const struct cmd_item *item,
    const char *association, bool failed, const char *reason, struct err *err)
{
	struct result result = {.status = RESULT_NO_STATUS,
	    .state = failed ? RESULT_FAILED : RESULT_REMOVED,
	    .last_us = clock_real_us()};
	struct item_name name;

	if (!name_parse(item->file, &name) || association[0] == '\0')
		return 0;
	(void)snprintf(result.item, sizeof(result.item), "%s", item->file);
	(void)snprintf(
	    result.association, sizeof(result.association), "%s", association);
	(void)snprintf(
	    result.destination, sizeof(result.destination), "%s", item->dest);
	(void)snprintf(
	    result.sop_instance, sizeof(result.sop_instance), "%s", name.uid);
	(void)snprintf(result.reason, sizeof(result.reason), "%s", reason);
	result.message_id = name.message_id;
	return result_write_marker(cmd->spool.root_fd, &result, err) == -1 ? -1
									   : 0;
}

static int
run(struct cmd_work *work, int argc, char **argv, cmd_act *act, struct err *err)
{
	if (cmd_work_parse(work, argc, argv, err) == -1)
		return -1;
	return cmd_work_run(work, argv + optind, argc - optind, act, err);
}

/*
 * A deferred item keeps its record, and is due. One that was given up begins
 * anew: its record goes first, but for what an earlier try has proved
 * (AnswerLost).
 */
static int
retry_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	char to[PATH_SIZE];
	struct stat st;

	path_item(to, item->dest, QUEUE_NEW, item->file);
	/* Before the record is touched; the rename looks again. */
	if (fs_stat(work->cmd->spool.root_fd, to, &st, err) == 1)
		return err_set(
		    err, ERR_PERMANENT, "there is one of that name in new/");
	if (item->state != QUEUE_DEFERRED &&
	    renew_record(work->cmd, item, err) == -1)
		return -1;
	return move_to(work, item, QUEUE_NEW, err);
}

static int
hold_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	return move_to(work, item, QUEUE_HOLD, err);
}

static int
release_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	return move_to(work, item, QUEUE_NEW, err);
}

static int
fail_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	char association[PATH_ASSOCIATION_SIZE] = "", path[PATH_SIZE];
	int rc;

	rc = move_to(work, item, QUEUE_FAILED, err);
	if (rc != 1)
		return rc;
	path_item(path, item->dest, QUEUE_FAILED, item->file);
	(void)item_peek_association(&work->cmd->spool, path, association);
	if (cmd_tell(work->cmd, item, association, true,
		"given up by an operator", err) == -1 ||
	    fail_record(work->cmd, item, err) == -1)
		return -1;
	return 1;
}

static int
remove_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	char association[PATH_ASSOCIATION_SIZE] = "", path[PATH_SIZE];
	int root_fd = work->cmd->spool.root_fd, rc;

	path_item(path, item->dest, item->state, item->file);
	(void)item_peek_association(&work->cmd->spool, path, association);
	rc = fs_unlink(root_fd, path, err);
	if (rc == 0)
		return cmd_work_miss(work, item, WENT);
	path_record(path, item->dest, item->file);
	if (rc == -1 || fs_unlink(root_fd, path, err) == -1)
		return -1;
	/* Of a delivered one the delivery is told already. */
	if (item->state != QUEUE_SENT &&
	    cmd_tell(work->cmd, item, association, false,
		"removed by an operator", err) == -1)
		return -1;
	return 1;
}

static int
move_to(struct cmd_work *work, const struct cmd_item *item,
    enum queue_state state, struct err *err)
{
	char from[PATH_SIZE], to[PATH_SIZE];
	int rc;

	path_item(from, item->dest, item->state, item->file);
	path_item(to, item->dest, state, item->file);
	rc = fs_rename(work->cmd->spool.root_fd, from, to, err);
	if (rc == -1 && err->sys == EEXIST)
		return err_set(err, ERR_PERMANENT,
		    "there is one of that name in %s/",
		    queue_state_name(state));
	return rc == 0 ? cmd_work_miss(work, item, WENT) : rc;
}

static int
renew_record(
    const struct cmd *cmd, const struct cmd_item *item, struct err *err)
{
	int root_fd = cmd->spool.root_fd;
	char path[PATH_SIZE];
	struct result r;

	if (result_read_record(root_fd, item->dest, item->file, &r, NULL) ==
		1 &&
	    r.answer_lost) {
		r.state = RESULT_DEFERRED;
		r.attempts = r.breaks = r.deaths = 0;
		r.next_us = 0;
		return result_write_record(root_fd, &r, err);
	}
	path_record(path, item->dest, item->file);
	return fs_unlink(root_fd, path, err) == -1 ? -1 : 0;
}

/* What the last attempt said stays readable; why it is in failed/ is ours. */
static int
fail_record(const struct cmd *cmd, const struct cmd_item *item, struct err *err)
{
	int root_fd = cmd->spool.root_fd;
	struct item_name name;
	struct result r;

	if (result_read_record(root_fd, item->dest, item->file, &r, NULL) !=
	    1) {
		r = (struct result){.status = RESULT_NO_STATUS};
		if (name_parse(item->file, &name)) {
			r.message_id = name.message_id;
			(void)strcpy(r.sop_instance, name.uid);
		}
	}
	(void)snprintf(r.item, sizeof(r.item), "%s", item->file);
	(void)snprintf(r.destination, sizeof(r.destination), "%s", item->dest);
	r.state = RESULT_FAILED;
	r.next_us = 0;
	(void)strcpy(r.reason, "given up by an operator");
	return result_write_record(root_fd, &r, err);
}
