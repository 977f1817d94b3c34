/*
 * dcmspool check: the items of a destination, and their records.
 *
 * Errors: as fs.c. An item that goes while it is looked at is none of our
 * business.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "clock.h"
#include "cmd_check.h"
#include "fs.h"
#include "item.h"
#include "label.h"
#include "result.h"

static int check_item(void *context, const struct cmd_item *item);
static bool is_same(
    const struct check *check, const char *path, const struct stat *before);
static void check_file(struct check *check, const struct cmd_item *item,
    const char *path, const struct stat *st);
static void check_name(struct check *check, const struct cmd_item *item,
    const char *path, const char *uid);
static void check_states(struct check *check, const struct cmd_item *item,
    const char *path, const struct stat *st);
static void set_aside(struct check *check, const struct cmd_item *item,
    const char *path, const char *reason);
static bool move_to_corrupt(struct check *check, const struct cmd_item *item,
    const char *path, const char *reason);
static int check_record(void *context, const char *file);

struct records {
	struct check *check;
	const char *dest;
};

int
check_items(struct check *check, const char *dest)
{
	struct records records = {.check = check, .dest = dest};
	char path[PATH_SIZE];
	struct stat st;
	int state;

	for (state = 0; state < QUEUE_STATES; state++)
		if (cmd_scan(check->cmd, dest, (enum queue_state)state,
			check_item, check, check->err) == -1)
			return -1;
	path_records(path, dest);
	if (fs_stat(check->cmd->spool.root_fd, path, &st, NULL) != 1)
		return 0;
	return fs_scan(check->cmd->spool.root_fd, path, check_record, &records,
	    check->err);
}

static int
check_item(void *context, const struct cmd_item *item)
{
	struct err problem = {.class = ERR_NONE};
	struct check *check = context;
	struct item_reader reader;
	char path[PATH_SIZE];
	struct stat st;
	int rc;

	path_item(path, item->dest, item->state, item->file);
	if (fs_stat(check->cmd->spool.root_fd, path, &st, check->err) != 1)
		return 0;
	check->items++;
	cmd_progress_add(&check->progress, 1);
	if (!S_ISREG(st.st_mode)) {
		check_problem(check, false, NULL,
		    "%s is no regular file, and is not sent", path);
		return 0;
	}
	check_file(check, item, path, &st);
	/* Corrupt is what is in corrupt/. */
	if (item->state == QUEUE_CORRUPT)
		return 0;
	rc = item_reader_open(&check->cmd->spool, path, &reader, &problem);
	if (rc == 0) {
		rc = cmd_digest_check(&reader, path, NULL, &problem);
		if (rc == 0)
			check_name(
			    check, item, path, reader.part10.sop_instance);
		item_reader_close(&reader);
	}
	if (rc == -1 && problem.class != ERR_CORRUPT && problem.sys != EBUSY &&
	    problem.sys != ENOENT)
		check_problem(check, false, NULL, "%s", problem.text);
	if (rc == -1 && problem.class == ERR_CORRUPT &&
	    is_same(check, path, &st))
		set_aside(check, item, path, problem.text);
	return 0;
}

/* A file that is delivered meanwhile gives its space back: that is no
 * damage. */
static bool
is_same(const struct check *check, const char *path, const struct stat *before)
{
	struct stat st;

	return fs_stat(check->cmd->spool.root_fd, path, &st, NULL) == 1 &&
	       st.st_ino == before->st_ino;
}

static void
check_file(struct check *check, const struct cmd_item *item, const char *path,
    const struct stat *st)
{
	int root_fd = check->cmd->spool.root_fd;
	struct stat root;
	bool done = false;

	if (fs_stat(root_fd, ".", &root, NULL) == 1 &&
	    st->st_uid != root.st_uid)
		check_problem(check, false, NULL,
		    "%s belongs to user %u, the spool to %u: chown(1) it", path,
		    (unsigned)st->st_uid, (unsigned)root.st_uid);
	if ((st->st_mode & 0600) != 0600 || (st->st_mode & 0077) != 0) {
		if (check->repair)
			done = fs_chmod(root_fd, path, 0600, check->err) == 0;
		check_problem(check, done, "mode 0600",
		    "%s has mode %04o: it holds patient data", path,
		    (unsigned)st->st_mode & 07777);
	}
	check_states(check, item, path, st);
}

/* What has a name of ours, and another UID inside (an edit by hand). */
static void
check_name(struct check *check, const struct cmd_item *item, const char *path,
    const char *uid)
{
	char file[NAME_ITEM_SIZE], to[PATH_SIZE];
	int root_fd = check->cmd->spool.root_fd;
	struct item_name name;
	bool done = false;

	if (!name_parse(item->file, &name) || strcmp(name.uid, uid) == 0)
		return;
	(void)snprintf(name.uid, sizeof(name.uid), "%s", uid);
	name_format(&name, file);
	path_item(to, item->dest, item->state, file);
	/* What is in a lane's hands is left there. */
	if (check->repair &&
	    !(item->state == QUEUE_ACTIVE && check->sender_runs))
		done = fs_rename(root_fd, path, to, check->err) == 1;
	if (done)
		cmd_audit(
		    check->cmd, COUNTERS_ACT_REPAIR, item, item->file, file);
	check_problem(check, done, "a name that fits", "%s is SOP instance %s",
	    path, uid);
}

/*
 * One name in two states, by hand: which is meant, nobody knows but who did
 * it. A copy in sent/ beside one that is to be sent again is a replay.
 */
static void
check_states(struct check *check, const struct cmd_item *item, const char *path,
    const struct stat *st)
{
	int root_fd = check->cmd->spool.root_fd, state;
	char other[PATH_SIZE], label[LABEL_SIZE];
	struct stat other_st;
	bool done;

	for (state = 0; state < (int)item->state; state++) {
		path_item(
		    other, item->dest, (enum queue_state)state, item->file);
		if (item->state == QUEUE_SENT ||
		    fs_stat(root_fd, other, &other_st, NULL) != 1 ||
		    !is_same(check, path, st))
			continue;
		if (other_st.st_ino != st->st_ino) {
			check_problem(check, false, NULL,
			    "%s and %s are two files of one name", path, other);
			continue;
		}
		label_path(root_fd, path, item->file, label);
		/* One file: the later state is where somebody has put it. */
		done = check->repair &&
		       !(state == QUEUE_ACTIVE && check->sender_runs) &&
		       fs_unlink(root_fd, other, check->err) == 1;
		if (done)
			cmd_audit(
			    check->cmd, COUNTERS_ACT_REPAIR, item, label, "");
		check_problem(check, done, "only the first is left",
		    "%s and %s are the same file", path, other);
	}
}

static void
set_aside(struct check *check, const struct cmd_item *item, const char *path,
    const char *reason)
{
	bool done = false;

	if (check->repair &&
	    !(item->state == QUEUE_ACTIVE && check->sender_runs))
		done = move_to_corrupt(check, item, path, reason);
	check_problem(check, done, "moved to corrupt/", "%s", reason);
}

/* As the sender would; who waits is told by its rename only. */
static bool
move_to_corrupt(struct check *check, const struct cmd_item *item,
    const char *path, const char *reason)
{
	char association[PATH_ASSOCIATION_SIZE] = "", to[PATH_SIZE];
	char label[LABEL_SIZE];
	struct result result = {.status = RESULT_NO_STATUS,
	    .state = RESULT_FAILED,
	    .last_us = clock_real_us()};
	struct item_name name;

	(void)item_peek_association(&check->cmd->spool, path, association);
	path_item(to, item->dest, QUEUE_CORRUPT, item->file);
	label_path(check->cmd->spool.root_fd, path, item->file, label);
	if (fs_rename(check->cmd->spool.root_fd, path, to, check->err) != 1)
		return false;
	(void)snprintf(result.item, sizeof(result.item), "%s", item->file);
	(void)snprintf(
	    result.destination, sizeof(result.destination), "%s", item->dest);
	(void)snprintf(result.reason, sizeof(result.reason), "%.*s",
	    RESULT_REASON_SIZE - 1, reason);
	label_text(result.reason, sizeof(result.reason), item->file, label);
	if (name_parse(item->file, &name)) {
		result.message_id = name.message_id;
		(void)strcpy(result.sop_instance, name.uid);
	}
	(void)result_write_record(
	    check->cmd->spool.root_fd, &result, check->err);
	(void)cmd_tell(check->cmd, item, association, true,
	    "it is not whole, and was set aside", check->err);
	cmd_audit(check->cmd, COUNTERS_ACT_REPAIR, item, label, "corrupt");
	return true;
}

/* Looked for twice: an item may move while we look. */
static int
check_record(void *context, const char *file)
{
	const struct records *records = context;
	struct check *check = records->check;
	int root_fd = check->cmd->spool.root_fd, i;
	struct err problem = {.class = ERR_NONE};
	char path[PATH_SIZE];
	struct result result;
	struct stat st;
	bool done = false, here = false;

	for (i = 0; i < 2 * QUEUE_STATES && !here; i++) {
		path_item(path, records->dest,
		    (enum queue_state)(i % QUEUE_STATES), file);
		here = fs_stat(root_fd, path, &st, NULL) != 0;
	}
	path_record(path, records->dest, file);
	if (here) {
		if (result_read_record(
			root_fd, records->dest, file, &result, &problem) != -1)
			return 0;
		if (check->repair)
			done = fs_unlink(root_fd, path, check->err) == 1;
		check_problem(check, done, "removed", "%s", problem.text);
		return 0;
	}
	if (fs_stat(root_fd, path, &st, NULL) != 1)
		return 0; /* it went with its item */
	if (check->repair)
		done = fs_unlink(root_fd, path, check->err) == 1;
	check_problem(
	    check, done, "removed", "%s is the record of no item", path);
	return 0;
}
