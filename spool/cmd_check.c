/*
 * dcmspool check: is the spool what dcmspool-spool(5) says? The tree, every
 * item by its digest, records, and what was left behind. --repair does what
 * can be done without a loss; all else is only said.
 *
 * Errors: as fs.c; what is wrong with the spool is no error of ours, and is
 * told by the exit code.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "cmd_check.h"
#include "fs.h"

#define STALE_S 86400 /* no edit takes longer */

static int parse(struct check *check, int argc, char **argv, struct err *err);
static void print_problem(
    struct check *check, const char *text, bool done, const char *repair);
static int print_sum(const struct check *check);
static int count_items(struct check *check, const struct cmd_destination *list,
    size_t n, uint64_t *total);
static int count_one(void *context, const struct cmd_item *item);
static int check_destination(
    struct check *check, const struct cmd_destination *dest);
static void check_folder(struct check *check, const char *path);
static int check_temporaries(struct check *check);
static int left_in_tmp(void *context, const char *file);
static int left_in_result(void *context, const char *file);
static int check_edits(struct check *check);
static int left_of_edit(void *context, const char *file);

int
cmd_check(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct check check = {.cmd = cmd, .err = err};
	struct cmd_destination *list = NULL;
	uint64_t total = 0;
	size_t n, i;
	int rc = -1;

	if (parse(&check, argc, argv, err) == -1 ||
	    cmd_sender_runs(cmd, &check.sender_runs, err) == -1 ||
	    check_temporaries(&check) == -1 ||
	    cmd_destinations(cmd, &list, &n, err) == -1)
		return -1;
	if (isatty(STDERR_FILENO) == 1 &&
	    count_items(&check, list, n, &total) == -1)
		goto out;
	cmd_progress_begin(&check.progress, "check", total);
	for (i = 0; i < n; i++)
		if (check_destination(&check, &list[i]) == -1)
			goto out;
	cmd_progress_end(&check.progress);
	if (print_sum(&check) == -1)
		goto out;
	rc = check.problems == check.repaired ? EX_OK : CMD_NOTHING;
out:
	cmd_progress_end(&check.progress);
	free(list);
	return rc;
}

void
check_problem(
    struct check *check, bool done, const char *repair, const char *format, ...)
{
	char text[2 * PATH_SIZE + 256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cmd_progress_pause(&check->progress);
	print_problem(check, text, done, repair);
	check->problems++;
	check->repaired += done;
}

static void
print_problem(
    struct check *check, const char *text, bool done, const char *repair)
{
	bool terminal = check->cmd->terminal;

	if (check->json) {
		(void)cmd_json_print(
		    json_pack("{so, ss?, sb}", "Problem", cmd_json_text(text),
			"Repair", repair, "Repaired", done),
		    check->err);
		return;
	}
	if (!terminal)
		(void)fputs("problem\t", stdout);
	cmd_put(stdout, text);
	if (!terminal)
		(void)printf("\t%s\t%s",
		    done	     ? "repaired"
		    : repair != NULL ? "reparable"
				     : "left",
		    repair == NULL ? "-" : repair);
	else if (done)
		(void)printf(": repaired, %s", repair);
	else if (repair != NULL)
		(void)printf(" (--repair: %s)", repair);
	(void)putchar('\n');
}

static int
print_sum(const struct check *check)
{
	if (check->json)
		return cmd_json_print(
		    json_pack("{sI, sI, sI}", "Items", (json_int_t)check->items,
			"Problems", (json_int_t)check->problems, "Repaired",
			(json_int_t)check->repaired),
		    check->err);
	if (!check->cmd->terminal)
		(void)printf("check\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
		    check->items, check->problems, check->repaired);
	else if (check->problems == 0)
		(void)printf("%" PRIu64 " item%s, all is well\n", check->items,
		    check->items == 1 ? "" : "s");
	else
		(void)printf("%" PRIu64 " item%s, %" PRIu64
			     " problem%s, %" PRIu64 " repaired\n",
		    check->items, check->items == 1 ? "" : "s", check->problems,
		    check->problems == 1 ? "" : "s", check->repaired);
	return 0;
}

/* For the bar. */
static int
count_items(struct check *check, const struct cmd_destination *list, size_t n,
    uint64_t *total)
{
	size_t i;
	int state;

	for (i = 0; i < n; i++)
		for (state = 0; state < QUEUE_STATES; state++)
			if (cmd_scan(check->cmd, list[i].name,
				(enum queue_state)state, count_one, total,
				check->err) == -1)
				return -1;
	return 0;
}

static int
count_one(void *context, const struct cmd_item *item)
{
	uint64_t *total = context;

	(void)item;
	++*total;
	return 0;
}

static int
parse(struct check *check, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"repair", no_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'r' && option != 'j')
			return cmd_bad_option(argv, err);
		check->repair = check->repair || option == 'r';
		check->json = check->json || option == 'j';
	}
	if (optind < argc)
		return err_set(err, ERR_USAGE, "check: unexpected argument %s",
		    argv[optind]);
	return 0;
}

static int
check_destination(struct check *check, const struct cmd_destination *dest)
{
	char path[PATH_SIZE];
	struct stat st;
	bool made;
	int state;

	/* One that was never used has none. */
	if (!dest->has_folder)
		return 0;
	path_destination(path, dest->name);
	check_folder(check, path);
	for (state = 0; state <= QUEUE_STATES; state++) {
		if (state == QUEUE_STATES)
			path_records(path, dest->name);
		else
			path_state(path, dest->name, (enum queue_state)state);
		if (fs_stat(check->cmd->spool.root_fd, path, &st, NULL) == 1) {
			check_folder(check, path);
			continue;
		}
		made =
		    check->repair && spool_make_destination(&check->cmd->spool,
					 dest->name, check->err) == 0;
		check_problem(check, made, "made", "%s is missing", path);
	}
	return check_items(check, dest->name);
}

static void
check_folder(struct check *check, const char *path)
{
	int root_fd = check->cmd->spool.root_fd;
	struct stat st, root;
	bool done = false;

	if (fs_stat(root_fd, path, &st, NULL) != 1 ||
	    fs_stat(root_fd, ".", &root, NULL) != 1)
		return;
	if (!S_ISDIR(st.st_mode)) {
		check_problem(check, false, NULL, "%s is no folder", path);
		return;
	}
	if (st.st_uid != root.st_uid)
		check_problem(check, false, NULL,
		    "%s belongs to user %u, the spool to %u: chown(1) it", path,
		    (unsigned)st.st_uid, (unsigned)root.st_uid);
	if ((st.st_mode & 0777) == 0700)
		return;
	if (check->repair)
		done = fs_chmod(root_fd, path, 0700, check->err) == 0;
	check_problem(check, done, "mode 0700", "%s has mode %04o", path,
	    (unsigned)st.st_mode & 07777);
}

/*
 * tmp/ and result/ are the receiver's: what is there while it runs is in use,
 * and while none runs the next one takes it away. Its lock is held meanwhile.
 */
static int
check_temporaries(struct check *check)
{
	const struct spool *spool = &check->cmd->spool;
	int lock_fd, rc;

	if (check_edits(check) == -1)
		return -1;
	check_folder(check, PATH_TMP);
	check_folder(check, PATH_QUEUE);
	check_folder(check, PATH_RESULT);
	if (spool_lock(spool, SPOOL_RECEIVER, 0, &lock_fd, check->err) == -1) {
		check->receiver_runs = true;
		return check->err->class == ERR_TEMPORARY ? 0 : -1;
	}
	rc = fs_scan(spool->root_fd, PATH_TMP, left_in_tmp, check, check->err);
	if (rc == 0)
		rc = fs_scan(spool->root_fd, PATH_RESULT, left_in_result, check,
		    check->err);
	(void)fs_close(&lock_fd, PATH_RESULT, NULL);
	return rc;
}

static int
left_in_tmp(void *context, const char *file)
{
	struct check *check = context;
	int root_fd = check->cmd->spool.root_fd;
	char path[PATH_SIZE];
	struct stat st;
	bool done = false;

	(void)snprintf(path, sizeof(path), PATH_TMP "/%s", file);
	if (fs_stat(root_fd, path, &st, NULL) != 1)
		return 0;
	if (!S_ISREG(st.st_mode)) {
		check_problem(check, false, NULL,
		    "%s is no file: a receiver does not start with it", path);
		return 0;
	}
	if (check->repair)
		done = fs_unlink(root_fd, path, check->err) == 1;
	check_problem(check, done, "removed",
	    "%s was being received when the receiver ended; nobody was told "
	    "that it was stored",
	    path);
	return 0;
}

static int
left_in_result(void *context, const char *file)
{
	struct check *check = context;
	char path[PATH_SIZE];
	bool done = false;

	(void)snprintf(path, sizeof(path), PATH_RESULT "/%s", file);
	if (!path_association_valid(file)) {
		check_problem(check, false, NULL, "%s is not ours", path);
		return 0;
	}
	if (check->repair)
		done = fs_remove_tree(
			   check->cmd->spool.root_fd, path, check->err) == 0;
	check_problem(check, done, "removed", "%s: nobody waits there", path);
	return 0;
}

/* Private copies of edits that were killed. */
static int
check_edits(struct check *check)
{
	int root_fd = check->cmd->spool.root_fd, rc;
	struct stat st;

	if (fs_stat(root_fd, CMD_EDIT_FOLDER, &st, NULL) != 1)
		return 0;
	rc = fs_scan(root_fd, CMD_EDIT_FOLDER, left_of_edit, check, check->err);
	if (check->repair)
		(void)fs_rmdir(root_fd, CMD_EDIT_FOLDER, NULL);
	return rc;
}

static int
left_of_edit(void *context, const char *file)
{
	struct check *check = context;
	int root_fd = check->cmd->spool.root_fd;
	char path[PATH_SIZE];
	bool done = false;
	struct stat st;

	(void)snprintf(path, sizeof(path), CMD_EDIT_FOLDER "/%s", file);
	if (fs_stat(root_fd, path, &st, NULL) != 1 ||
	    st.st_mtim.tv_sec >= clock_real_us() / 1000000 - STALE_S)
		return 0;
	if (check->repair)
		done = fs_remove_tree(root_fd, path, check->err) == 0;
	check_problem(check, done, "removed", "%s is left of an edit", path);
	return 0;
}
