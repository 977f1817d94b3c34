/*
 * dcmspool export and import: items to a folder, files into new/. What is
 * imported is whole, or refused here; a file that has an envelope and a name
 * of ours is the item that it was, any other a foreign one.
 *
 * Errors: as fs.c; never over a file that is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cmd_work.h"
#include "fs.h"
#include "item.h"
#include "label.h"

#define BIT(state) CMD_STATE_BIT(QUEUE_##state)

struct export
{
	struct cmd_work work; /* the first, for cmd_act */
	int folder_fd;
};

static int export_one(
    struct cmd_work *work, const struct cmd_item *item, struct err *err);
static int export_bytes(
    int from_fd, int folder_fd, const char *file, struct err *err);
static int import_one(const struct cmd *cmd, const char *dest, const char *from,
    bool dry_run, bool null, struct err *err);
static int import_copy(const struct cmd *cmd, const char *from,
    struct cmd_item *item, char label[LABEL_SIZE], bool dry_run,
    struct err *err);
static int copy_in(const struct cmd *cmd, const char *from,
    char tmp_path[PATH_SIZE], struct err *err);
static int check_whole(const struct cmd *cmd, const char *path,
    char file[NAME_FILE_SIZE], struct err *err);
static void item_file_of(const char *from, char file[NAME_FILE_SIZE]);

int
cmd_export(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct export export = {.work.cmd = cmd,
	    .work.takes_active = true,
	    .work.states = CMD_STATES_ALL,
	    .folder_fd = -1};
	int code;

	if (cmd_work_parse(&export.work, argc, argv, err) == -1)
		return -1;
	if (optind == argc)
		return err_set(
		    err, ERR_USAGE, "export: the last argument is the folder");
	cmd_user_leave(cmd);
	export.folder_fd = fs_open_dir(AT_FDCWD, argv[argc - 1], err);
	cmd_user_enter(cmd);
	if (export.folder_fd == -1)
		return -1;
	code = cmd_work_run(
	    &export.work, argv + optind, argc - 1 - optind, export_one, err);
	(void)fs_close(&export.folder_fd, argv[argc - 1], NULL);
	return code;
}

int
cmd_import(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
	    {"dry-run", no_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
	struct cmd_selection selection;
	bool dry_run = false, null = false, missed = false;
	int option, i;

	while ((option = getopt_long(argc, argv, "0", options, NULL)) != -1) {
		if (option != 'n' && option != '0')
			return cmd_bad_option(argv, err);
		dry_run = dry_run || option == 'n';
		null = null || option == '0';
	}
	if (argc - optind < 2)
		return err_set(
		    err, ERR_USAGE, "import: a destination, and files");
	if (cmd_select(cmd, argv[optind], &selection, err) == -1)
		return -1;
	if (selection.has_state)
		return err_set(err, ERR_USAGE,
		    "import: into a destination; it goes to its new/");
	if (!dry_run &&
	    spool_make_destination(&cmd->spool, selection.dest, err) == -1)
		return -1;
	for (i = optind + 1; i < argc; i++) {
		if (import_one(
			cmd, selection.dest, argv[i], dry_run, null, err) == 0)
			continue;
		if (err->class == ERR_TEMPORARY)
			return -1;
		(void)fprintf(stderr, "dcmspool: %s\n", err->text);
		missed = true;
	}
	return missed ? CMD_NOTHING : EX_OK;
}

static int
export_one(struct cmd_work *work, const struct cmd_item *item, struct err *err)
{
	const struct export *export = (const struct export *)work;
	struct err local = {.class = ERR_NONE};
	char path[PATH_SIZE];
	int fd, rc;

	path_item(path, item->dest, item->state, item->file);
	fd = fs_open(work->cmd->spool.root_fd, path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &local);
	if (fd == -1 && local.sys == ENOENT)
		return cmd_work_miss(
		    work, item, "went on meanwhile; name it again");
	if (fd == -1) {
		*err = local;
		return -1;
	}
	cmd_user_leave(work->cmd);
	rc = export_bytes(fd, export->folder_fd, item->file, err);
	cmd_user_enter(work->cmd);
	(void)fs_close(&fd, path, NULL);
	return rc == 0 ? 1 : -1;
}

static int
export_bytes(int from_fd, int folder_fd, const char *file, struct err *err)
{
	struct stat before, after;
	int fd, rc;

	if (fstat(from_fd, &before) == -1)
		return err_sys(err, "stat %s", file);
	fd = fs_create(folder_fd, file, err);
	if (fd == -1)
		return -1;
	rc = cmd_copy_bytes(from_fd, 0, fd, file, NULL, err);
	/* What is delivered meanwhile may give its space back at once. */
	if (rc == 0 &&
	    (fstat(fd, &after) == -1 || after.st_size != before.st_size))
		rc = err_set(err, ERR_PERMANENT,
		    "%s was delivered meanwhile; nothing is exported", file);
	if (rc == 0)
		rc = fs_sync_fd(fd, file, err);
	if (fs_close(&fd, file, rc == 0 ? err : NULL) == -1)
		rc = -1;
	if (rc == -1)
		(void)fs_unlink(folder_fd, file, NULL);
	return rc;
}

static int
import_one(const struct cmd *cmd, const char *dest, const char *from,
    bool dry_run, bool null, struct err *err)
{
	struct cmd_item item = {.state = QUEUE_NEW};
	char label[LABEL_SIZE];

	(void)snprintf(item.dest, sizeof(item.dest), "%s", dest);
	item_file_of(from, item.file);
	if (import_copy(cmd, from, &item, label, dry_run, err) == -1)
		return -1;
	if (!dry_run)
		cmd_audit(cmd, COUNTERS_ACT_IMPORT, &item, label, "");
	if (!null)
		(void)printf(
		    "%simport%c", dry_run ? "would " : "", cmd_separator(cmd));
	cmd_put_item(stdout, &item, null);
	return 0;
}

/* As an instance is published: tmp/, whole, synced, then its name in new/. */
static int
import_copy(const struct cmd *cmd, const char *from, struct cmd_item *item,
    char label[LABEL_SIZE], bool dry_run, struct err *err)
{
	char tmp_path[PATH_SIZE], to[PATH_SIZE];
	int root_fd = cmd->spool.root_fd, rc;
	struct stat st;

	if (copy_in(cmd, from, tmp_path, err) == -1)
		return -1;
	rc = check_whole(cmd, tmp_path, item->file, err);
	if (rc == -1)
		(void)err_set(err, err->class, "%s: %s", from,
		    strchr(err->text, ':') == NULL
			? err->text
			: strchr(err->text, ':') + 2);
	path_item(to, item->dest, QUEUE_NEW, item->file);
	label_path(root_fd, tmp_path, item->file, label);
	if (dry_run) {
		(void)fs_unlink(root_fd, tmp_path, NULL);
		if (rc == 0 && fs_stat(root_fd, to, &st, NULL) == 1)
			rc = err_set(
			    err, ERR_PERMANENT, "%s: %s is there", from, to);
		return rc;
	}
	if (rc == 0) {
		rc = fs_rename(root_fd, tmp_path, to, err);
		if (rc == 0)
			rc = err_set(err, ERR_TEMPORARY,
			    "%s was taken away: a receiver was just started; "
			    "once more, please",
			    tmp_path);
		rc = rc == 1 ? 0 : -1;
	}
	if (rc == -1) {
		(void)fs_unlink(root_fd, tmp_path, NULL);
		return -1;
	}
	path_state(to, item->dest, QUEUE_NEW);
	return fs_sync_dir(root_fd, to, err);
}

static int
copy_in(const struct cmd *cmd, const char *from, char tmp_path[PATH_SIZE],
    struct err *err)
{
	struct cmd_progress progress;
	int from_fd, fd = -1, rc = -1;
	struct stat st;

	cmd_user_leave(cmd);
	from_fd = fs_open(AT_FDCWD, from, O_RDONLY | O_NONBLOCK, err);
	cmd_user_enter(cmd);
	if (from_fd == -1)
		return -1;
	if (fs_stat(from_fd, ".", &st, NULL) == 1) {
		(void)err_set(
		    err, ERR_CORRUPT, "%s is not a regular file", from);
		goto out;
	}
	fd = cmd_tmp_create(cmd, tmp_path, err);
	if (fd == -1)
		goto out;
	cmd_progress_begin(&progress, "import", 0);
	rc = cmd_copy_bytes(from_fd, 0, fd, from, &progress, err);
	cmd_progress_end(&progress);
	if (rc == 0)
		rc = fs_sync_fd(fd, tmp_path, err);
	if (fs_close(&fd, tmp_path, rc == 0 ? err : NULL) == -1)
		rc = -1;
	if (rc == -1)
		(void)fs_unlink(cmd->spool.root_fd, tmp_path, NULL);
out:
	(void)fs_close(&from_fd, from, NULL);
	return rc;
}

/* A name of ours that does not fit the file is none. */
static int
check_whole(const struct cmd *cmd, const char *path, char file[NAME_FILE_SIZE],
    struct err *err)
{
	struct item_reader reader;
	struct item_name name;
	int rc;

	if (item_reader_open(&cmd->spool, path, &reader, err) == -1)
		return -1;
	rc = cmd_digest_check(&reader, path, NULL, err);
	if (name_parse(file, &name) &&
	    strcmp(name.uid, reader.part10.sop_instance) != 0)
		(void)snprintf(file, NAME_FILE_SIZE, "imported-%s.dcm",
		    reader.part10.sop_instance);
	item_reader_close(&reader);
	return rc;
}

/* Its own name, as one that the queue looks at. */
static void
item_file_of(const char *from, char file[NAME_FILE_SIZE])
{
	const char *base = strrchr(from, '/');
	char *at;

	base = base == NULL ? from : base + 1;
	while (*base == '.')
		base++;
	(void)snprintf(file, NAME_FILE_SIZE, "%.*s%s", NAME_FILE_SIZE - 5, base,
	    name_is_item(base) ? "" : ".dcm");
	for (at = file; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '_';
	if (!name_is_item(file))
		(void)strcpy(file, "imported.dcm");
}
