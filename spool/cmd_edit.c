/*
 * dcmspool edit: a command of the operator's (dcmodify, say) on a private copy
 * of an item; what comes out is sealed and takes the item's place, at one
 * instant. Only items in hold/, failed/ and corrupt/ are edited: the sender
 * touches none of them, and what it has in memory of an earlier attempt does
 * not pass to other bytes.
 *
 * Errors: the item stays as it was where the command fails, leaves no whole
 * instance, or the item went meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd_seal.h"
#include "cmd_work.h"
#include "fs.h"
#include "item.h"
#include "result.h"

#define BIT(state) CMD_STATE_BIT(QUEUE_##state)

struct edit {
	struct cmd_work work; /* the first, for cmd_act */
	char **command;	      /* with room for the file behind it */
	int command_n;
};

struct original {
	char path[PATH_SIZE];
	struct stat st;
	bool has_envelope;
	struct envelope envelope;
	char uid[NAME_UID_SIZE];
};

static int edit_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);
static int make_folder(int root_fd, char folder[64], struct err *err);
static int read_original(const struct cmd *cmd, const struct cmd_item *item,
    struct original *original, struct err *err);
static int edit_copy(const struct edit *edit, const struct cmd_item *item,
    const struct original *original, const char *folder, struct err *err);
static int copy_out(const struct cmd *cmd, const struct original *original,
    const char *copy, struct err *err);
static int run_command(
    const struct edit *edit, const char *file, struct err *err);
static int put_back(struct cmd_work *work, const struct cmd_item *item,
    const struct original *original, const char *sealed, const char *uid,
    struct err *err);
static int rename_item(struct cmd_work *work, const struct cmd_item *item,
    const char *uid, struct err *err);
static int renew_record(const struct cmd *cmd, const struct cmd_item *item,
    const char *file, const char *uid, struct err *err);

int
cmd_edit(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct edit edit = {
	    .work.cmd = cmd, .work.states = BIT(HOLD) | BIT(FAILED)};
	int words = 0, code = -1;

	while (words < argc && strcmp(argv[words], "--") != 0)
		words++;
	if (words + 1 >= argc)
		return err_set(err, ERR_USAGE,
		    "edit: write the command behind --, as in: edit ITEM -- "
		    "dcmodify -nb -m PatientID=4711");
	edit.command_n = argc - words - 1;
	edit.command = calloc((size_t)edit.command_n + 2, sizeof(char *));
	if (edit.command == NULL)
		return err_sys(err, "edit");
	(void)memcpy(edit.command, argv + words + 1,
	    (size_t)edit.command_n * sizeof(char *));
	if (cmd_work_parse(&edit.work, words, argv, err) == 0)
		code = cmd_work_run(
		    &edit.work, argv + optind, words - optind, edit_one, err);
	free(edit.command);
	return code;
}

static int
edit_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	const struct edit *edit = (const struct edit *)work;
	int root_fd = work->cmd->spool.root_fd, rc;
	struct original original;
	char folder[64];

	if ((CMD_STATE_BIT(item->state) &
		(BIT(HOLD) | BIT(FAILED) | BIT(CORRUPT))) == 0)
		return cmd_work_miss(work, item,
		    "hold it first: only what is in hold/, failed/ or "
		    "corrupt/ is edited");
	rc = read_original(work->cmd, item, &original, err);
	if (rc == 0)
		return cmd_work_miss(
		    work, item, "went on meanwhile; nothing is done");
	if (rc == -1)
		return -1;
	if (make_folder(root_fd, folder, err) == -1)
		return -1;
	/* The command may have something to say. */
	cmd_progress_pause(&work->progress);
	rc = edit_copy(edit, item, &original, folder, err);
	if (fs_remove_tree(root_fd, folder, rc == -1 ? NULL : err) == -1)
		rc = -1;
	/* Unless another edit is under way there. */
	(void)fs_rmdir(root_fd, CMD_EDIT_FOLDER, NULL);
	return rc;
}

/* Another edit may take the one above away as we make ours in it. */
static int
make_folder(int root_fd, char folder[64], struct err *err)
{
	int tries, rc = -1;

	(void)snprintf(folder, 64, CMD_EDIT_FOLDER "/%d", (int)getpid());
	for (tries = 0; tries < 3 && rc == -1; tries++) {
		if (fs_mkdir(root_fd, CMD_EDIT_FOLDER, err) == -1)
			return -1;
		rc = fs_mkdir(root_fd, folder, err);
	}
	return rc;
}

/* 1, 0 gone, -1. One that is not whole may be edited to be so. */
static int
read_original(const struct cmd *cmd, const struct cmd_item *item,
    struct original *original, struct err *err)
{
	struct err problem = {.class = ERR_NONE};
	struct item_reader reader;
	struct item_name name;
	int there;

	*original = (struct original){.has_envelope = false};
	path_item(original->path, item->dest, item->state, item->file);
	there = fs_stat(cmd->spool.root_fd, original->path, &original->st, err);
	if (there != 1)
		return there;
	if (item_reader_open(&cmd->spool, original->path, &reader, &problem) ==
	    0)
		item_reader_close(&reader);
	else if (problem.class != ERR_CORRUPT) {
		*err = problem;
		return problem.sys == ENOENT ? 0 : -1;
	}
	original->has_envelope = reader.part10.has_envelope;
	original->envelope = reader.part10.envelope;
	if (name_parse(item->file, &name))
		(void)memcpy(original->uid, name.uid, NAME_UID_SIZE);
	return 1;
}

static int
edit_copy(const struct edit *edit, const struct cmd_item *item,
    const struct original *original, const char *folder, struct err *err)
{
	struct cmd_work *work = (struct cmd_work *)&edit->work;
	const struct cmd *cmd = work->cmd;
	char copy[PATH_SIZE], sealed[PATH_SIZE], uid[NAME_UID_SIZE];
	char whole[2 * PATH_SIZE];
	int rc;

	/* The receiver's own names are shorter than this could get. */
	(void)snprintf(copy, sizeof(copy), "%s/%.*s", folder,
	    (int)(PATH_SIZE - 80), item->file);
	(void)snprintf(
	    whole, sizeof(whole), "%s/%s", cmd->spool.location, copy);
	if (copy_out(cmd, original, copy, err) == -1 ||
	    run_command(edit, whole, err) == -1 ||
	    cmd_seal(cmd, copy,
		original->has_envelope ? &original->envelope : NULL, sealed,
		uid, err) == -1)
		return -1;
	rc = put_back(work, item, original, sealed, uid, err);
	/* What is there now is what was replaced, or was not put back. */
	if (fs_unlink(cmd->spool.root_fd, sealed, rc == -1 ? NULL : err) == -1)
		rc = -1;
	return rc;
}

static int
copy_out(const struct cmd *cmd, const struct original *original,
    const char *copy, struct err *err)
{
	int root_fd = cmd->spool.root_fd, from_fd, fd, rc;

	from_fd = fs_open(root_fd, original->path, O_RDONLY | O_NOFOLLOW, err);
	if (from_fd == -1)
		return -1;
	fd = fs_create(root_fd, copy, err);
	rc = fd == -1 ? -1 : cmd_copy_bytes(from_fd, 0, fd, copy, NULL, err);
	if (fs_close(&fd, copy, rc == 0 ? err : NULL) == -1)
		rc = -1;
	(void)fs_close(&from_fd, original->path, NULL);
	return rc;
}

/* The file stands for each {}, else behind the last word; no shell. */
static int
run_command(const struct edit *edit, const char *file, struct err *err)
{
	char **argv = edit->command;
	bool placed = false;
	int i, status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == -1)
		return err_sys(err, "start %s", argv[0]);
	if (pid == 0) {
		for (i = 0; i < edit->command_n; i++)
			if (strcmp(argv[i], "{}") == 0) {
				argv[i] = (char *)file;
				placed = true;
			}
		if (!placed)
			argv[edit->command_n] = (char *)file;
		/* What it prints is for people, not for who reads ours. */
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execvp(argv[0], argv);
		(void)fprintf(stderr, "dcmspool: start %s: %s\n", argv[0],
		    strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(
	    err, ERR_PERMANENT, "%s failed; the item is unchanged", argv[0]);
}

/*
 * The sealed one takes the place of the item, which comes out at `sealed`;
 * where that is not the file that was copied, both go back.
 */
static int
put_back(struct cmd_work *work, const struct cmd_item *item,
    const struct original *original, const char *sealed, const char *uid,
    struct err *err)
{
	int root_fd = work->cmd->spool.root_fd, rc;
	struct stat st;
	char path[PATH_SIZE];

	if (renew_record(work->cmd, item, item->file, original->uid, err) == -1)
		return -1;
	rc = fs_exchange(root_fd, sealed, original->path, err);
	if (rc == 0)
		return cmd_work_miss(
		    work, item, "went on meanwhile; nothing is done");
	if (rc == -1)
		return -1;
	if (fs_stat(root_fd, sealed, &st, err) != 1 ||
	    st.st_ino != original->st.st_ino ||
	    st.st_size != original->st.st_size ||
	    st.st_mtim.tv_sec != original->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != original->st.st_mtim.tv_nsec) {
		(void)fs_exchange(root_fd, sealed, original->path, NULL);
		return cmd_work_miss(work, item,
		    "was changed by somebody else meanwhile; nothing is done");
	}
	path_state(path, item->dest, item->state);
	if (fs_sync_dir(root_fd, path, err) == -1)
		return -1;
	if (original->uid[0] != '\0' && strcmp(original->uid, uid) != 0)
		return rename_item(work, item, uid, err);
	/* Another file; where the name is the same, nothing else says so. */
	if (original->uid[0] == '\0')
		label_path(root_fd, original->path, item->file, work->renamed);
	return 1;
}

/* The same stamp and message ID, with the new UID. */
static int
rename_item(struct cmd_work *work, const struct cmd_item *item, const char *uid,
    struct err *err)
{
	char file[NAME_ITEM_SIZE], from[PATH_SIZE], to[PATH_SIZE];
	const struct cmd *cmd = work->cmd;
	struct item_name name;

	(void)name_parse(item->file, &name);
	(void)snprintf(name.uid, sizeof(name.uid), "%s", uid);
	name_format(&name, file);
	if (renew_record(cmd, item, file, uid, err) == -1)
		return -1;
	path_item(from, item->dest, item->state, item->file);
	path_item(to, item->dest, item->state, file);
	if (fs_rename(cmd->spool.root_fd, from, to, err) == -1)
		return -1;
	path_record(from, item->dest, item->file);
	if (fs_unlink(cmd->spool.root_fd, from, err) == -1)
		return -1;
	(void)strcpy(work->renamed, file);
	(void)printf("now%c%s/%s/%s\n", cmd_separator(cmd), item->dest,
	    queue_state_name(item->state), file);
	return 1;
}

/* What an earlier attempt has proved, it has proved of other bytes. */
static int
renew_record(const struct cmd *cmd, const struct cmd_item *item,
    const char *file, const char *uid, struct err *err)
{
	struct result r;

	if (result_read_record(
		cmd->spool.root_fd, item->dest, item->file, &r, NULL) != 1)
		return 0;
	if (!r.answer_lost && strcmp(file, item->file) == 0)
		return 0;
	r.answer_lost = false;
	(void)snprintf(r.item, sizeof(r.item), "%s", file);
	(void)snprintf(r.sop_instance, sizeof(r.sop_instance), "%s", uid);
	return result_write_record(cmd->spool.root_fd, &r, err);
}
