/*
 * File system calls: what they promise on top of the system's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../spool/fs.h"
#include "../spool/fs_replace.h"
#include "../spool/name.h"
#include "test.h"
#include "test_fixture.h"

/* A fresh folder; the descriptor is closed when the tests end. */
static int
folder(void)
{
	int fd;

	fd = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		abort();
	return fd;
}

static bool
holds(int dirfd, const char *path, const char *text)
{
	char data[64];

	return fs_read_file(dirfd, path, data, sizeof(data), NULL) ==
		   (ssize_t)strlen(text) &&
	       strcmp(data, text) == 0;
}

static int
ignore(void *context, const char *file)
{
	(void)context;
	(void)file;
	return 0;
}

/* One call each that fails, and what its text has to begin with. */
static void
errors_say_verb_and_path(void)
{
	int dir = folder(), full = open("/dev/full", O_WRONLY), no_fd = -1;
	char data[4];
	struct stat st;
	struct err e[17];
	size_t i;
	const struct {
		int rc;
		int sys;
		const char *text;
	} rows[] = {
	    {fs_open(dir, "no", O_RDONLY, &e[0]), ENOENT, "open no: "},
	    {fs_create(dir, "no/x", &e[1]), ENOENT, "create no/x: "},
	    {fs_open_dir(dir, "no", &e[2]), ENOENT, "open no: "},
	    {fs_write(full, "x", 1, "full", &e[3]), ENOSPC, "write full: "},
	    {fs_pwrite(full, "x", 1, 0, "full", &e[4]), ENOSPC, "write full: "},
	    {(int)fs_pread(dir, data, 1, 0, "dir", &e[5]), EISDIR,
		"read dir: "},
	    {(int)fs_read_file(dir, "no", data, 4, &e[6]), ENOENT, "open no: "},
	    {fs_replace_file(dir, "no/x", "x", 1, false, &e[7]), ENOENT,
		"create no/.x."},
	    {fs_mkdir(dir, "no/x", &e[8]), ENOENT, "make folder no/x: "},
	    {fs_unlink(dir, ".", &e[9]), EISDIR, "remove .: "},
	    {fs_rmdir(dir, ".", &e[10]), EINVAL, "remove folder .: "},
	    {fs_link(dir, "no", "to", &e[11]), ENOENT, "link no to to: "},
	    {fs_stat(full, "x", &st, &e[12]), ENOTDIR, "stat x: "},
	    {fs_sync_fd(no_fd, "none", &e[13]), EBADF, "sync none: "},
	    {fs_sync_dir(dir, "no", &e[14]), ENOENT, "open no: "},
	    {fs_scan(dir, "no", ignore, NULL, &e[15]), ENOENT, "open no: "},
	    {fs_lock_exclusive(no_fd, "none", &e[16]), EBADF, "lock none: "},
	};

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		TEST_ROW(rows[i].rc == -1, rows[i].text);
		TEST_ROW(e[i].sys == rows[i].sys, rows[i].text);
		TEST_ROW(
		    strncmp(e[i].text, rows[i].text, strlen(rows[i].text)) == 0,
		    rows[i].text);
		TEST_ROW(strstr(e[i].text, strerror(rows[i].sys)) != NULL,
		    rows[i].text);
	}
	(void)close(full);
	(void)close(dir);
}

static void
opens_for_us_alone(void)
{
	int dir = folder(), fd;
	struct err err;
	struct stat st;

	fd = fs_create(dir, "x", &err);
	CU_ASSERT_TRUE_FATAL(fd != -1);
	CU_ASSERT_TRUE((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	CU_ASSERT_EQUAL(fs_stat(dir, "x", &st, &err), 1);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL(fs_create(dir, "x", &err), -1);
	CU_ASSERT_EQUAL(err.sys, EEXIST);
	CU_ASSERT_EQUAL(fs_close(&fd, "x", &err), 0);
	CU_ASSERT_EQUAL(fd, -1);
	CU_ASSERT_EQUAL(fs_close(&fd, "x", &err), 0);

	fd = fs_open(dir, "x", O_RDONLY, &err);
	CU_ASSERT_TRUE((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	(void)fs_close(&fd, "x", NULL);
	CU_ASSERT_EQUAL(fs_mkdir(dir, "d", &err), 0);
	CU_ASSERT_EQUAL(fs_mkdir(dir, "d", &err), 0);
	CU_ASSERT_EQUAL(fs_stat(dir, "d", &st, &err), 1);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);
	(void)close(dir);
}

static void
closing_tells_an_error(void)
{
	int fd = 1000;
	struct err err;

	CU_ASSERT_EQUAL(fs_close(&fd, "x", &err), -1);
	CU_ASSERT_EQUAL(fd, -1);
	CU_ASSERT_STRING_EQUAL(err.text, "close x: Bad file descriptor");
}

static void
reads_small_files(void)
{
	int dir = folder(), fd;
	char data[5];
	struct err err;

	test_write_text(dir, "x", "abcd");
	CU_ASSERT_EQUAL(fs_read_file(dir, "x", data, 5, &err), 4);
	CU_ASSERT_STRING_EQUAL(data, "abcd");
	CU_ASSERT_EQUAL(fs_read_file(dir, "x", data, 4, &err), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CORRUPT);
	CU_ASSERT_EQUAL(symlinkat("x", dir, "link"), 0);
	CU_ASSERT_EQUAL(fs_read_file(dir, "link", data, 5, &err), -1);
	CU_ASSERT_EQUAL(err.sys, ELOOP);

	fd = fs_open(dir, "x", O_RDONLY, &err);
	CU_ASSERT_EQUAL(fs_pread(fd, data, 5, 1, "x", &err), 3);
	CU_ASSERT_EQUAL(memcmp(data, "bcd", 3), 0);
	CU_ASSERT_EQUAL(fs_pread(fd, data, 5, 4, "x", &err), 0);
	(void)close(fd);
	(void)close(dir);
}

static void
replaces_files_whole(void)
{
	int dir = folder();
	char left[64];
	struct err err;

	CU_ASSERT_EQUAL(fs_mkdir(dir, "d", &err), 0);
	CU_ASSERT_EQUAL(
	    fs_replace_file(dir, "d/x", "older, longer", 13, false, &err), 0);
	CU_ASSERT_EQUAL(fs_replace_file(dir, "d/x", "new", 3, true, &err), 0);
	CU_ASSERT_TRUE(holds(dir, "d/x", "new"));
	CU_ASSERT_EQUAL(test_count(dir, "d"), 1);

	/* What it cannot replace leaves nothing behind. */
	CU_ASSERT_EQUAL(fs_mkdir(dir, "d/y", &err), 0);
	CU_ASSERT_EQUAL(fs_replace_file(dir, "d/y", "new", 3, false, &err), -1);
	CU_ASSERT_EQUAL(err.sys, EISDIR);
	CU_ASSERT_EQUAL(test_count(dir, "d"), 2);
	/* What an earlier one left when it was killed is in nobody's way. */
	(void)snprintf(left, sizeof(left), "d/.x.%d~", (int)getpid());
	test_write_text(dir, left, "left behind, and longer");
	CU_ASSERT_EQUAL(fs_replace_file(dir, "d/x", "n", 1, false, &err), 0);
	CU_ASSERT_TRUE(holds(dir, "d/x", "n"));
	(void)close(dir);
}

static void
renames_over_nothing(void)
{
	int dir = folder();
	struct err err;

	test_write_text(dir, "a", "a");
	test_write_text(dir, "b", "b");
	CU_ASSERT_EQUAL(fs_rename(dir, "a", "b", &err), -1);
	CU_ASSERT_EQUAL(err.sys, EEXIST);
	CU_ASSERT_TRUE(holds(dir, "a", "a"));
	CU_ASSERT_TRUE(holds(dir, "b", "b"));

	/* rename(2) of two names of one file does nothing and says ok. */
	CU_ASSERT_EQUAL(fs_link(dir, "a", "same", &err), 0);
	CU_ASSERT_EQUAL(fs_rename(dir, "a", "same", &err), -1);
	CU_ASSERT_EQUAL(err.sys, EEXIST);
	CU_ASSERT_TRUE(test_there(dir, "a"));
	CU_ASSERT_TRUE(test_there(dir, "same"));

	CU_ASSERT_EQUAL(fs_rename(dir, "a", "c", &err), 1);
	CU_ASSERT_FALSE(test_there(dir, "a"));
	CU_ASSERT_TRUE(holds(dir, "c", "a"));
	CU_ASSERT_EQUAL(fs_rename(dir, "a", "d", &err), 0);
	CU_ASSERT_EQUAL(fs_rename(dir, "a", "no/d", &err), 0);
	CU_ASSERT_EQUAL(fs_rename(dir, "c", "no/d", &err), -1);
	CU_ASSERT_EQUAL(err.sys, ENOENT);
	CU_ASSERT_STRING_EQUAL(
	    err.text, "rename c to no/d: No such file or directory");
	CU_ASSERT_EQUAL(fs_link(dir, "c", "b", &err), -1);
	CU_ASSERT_EQUAL(err.sys, EEXIST);
	(void)close(dir);
}

static void
looks_and_removes(void)
{
	int dir = folder();
	struct err err;
	struct stat st;

	test_write_text(dir, "a", "abc");
	CU_ASSERT_EQUAL(symlinkat("a", dir, "link"), 0);
	CU_ASSERT_EQUAL(fs_stat(dir, "a", &st, &err), 1);
	CU_ASSERT_EQUAL(st.st_size, 3);
	CU_ASSERT_EQUAL(fs_stat(dir, "link", &st, &err), 1);
	CU_ASSERT_TRUE(S_ISLNK(st.st_mode));
	CU_ASSERT_EQUAL(fs_stat(dir, "no", &st, &err), 0);
	CU_ASSERT_EQUAL(fs_unlink(dir, "a", &err), 1);
	CU_ASSERT_EQUAL(fs_unlink(dir, "a", &err), 0);
	CU_ASSERT_EQUAL(fs_rmdir(dir, "no", &err), 0);
	CU_ASSERT_EQUAL(fs_mkdir(dir, "d", &err), 0);
	test_write_text(dir, "d/x", "");
	CU_ASSERT_EQUAL(fs_rmdir(dir, "d", &err), -1);
	CU_ASSERT_EQUAL(err.sys, ENOTEMPTY);
	(void)close(dir);
}

static void
removes_trees(void)
{
	int dir = folder();
	struct err err;

	CU_ASSERT_EQUAL(fs_mkdir(dir, "d", &err), 0);
	test_write_text(dir, "d/x", "");
	test_write_text(dir, "d/.x~", "");
	test_write_text(dir, "d/.keep", "");
	CU_ASSERT_EQUAL(fs_remove_temporaries(dir, "d", &err), 0);
	CU_ASSERT_FALSE(test_there(dir, "d/.x~"));
	CU_ASSERT_EQUAL(test_count(dir, "d"), 2);
	CU_ASSERT_EQUAL(fs_remove_tree(dir, "d", &err), 0);
	CU_ASSERT_FALSE(test_there(dir, "d"));
	CU_ASSERT_EQUAL(fs_remove_tree(dir, "d", &err), 0);
	CU_ASSERT_EQUAL(fs_remove_tree(dir, "d", NULL), 0);
	(void)close(dir);
}

static int
count_to_two(void *context, const char *file)
{
	int *n = context;

	if (file[0] == '.')
		*n += 100;
	return ++*n == 2 ? 42 : 0;
}

static void
scans_and_stops(void)
{
	int dir = folder(), n = 0;
	struct err err;

	test_write_text(dir, ".hidden", "");
	test_write_text(dir, "a", "");
	CU_ASSERT_EQUAL(fs_scan(dir, ".", count_to_two, &n, &err), 0);
	CU_ASSERT_EQUAL(n, 1);
	test_write_text(dir, "b", "");
	test_write_text(dir, "c", "");
	n = 0;
	CU_ASSERT_EQUAL(fs_scan(dir, ".", count_to_two, &n, &err), 42);
	CU_ASSERT_EQUAL(n, 2);
	(void)close(dir);
}

/* All but itself and its parent; what comes meanwhile may be left out. */
static void
reads_one_by_one(void)
{
	int dir = folder(), seen = 0;
	struct fs_folder *names;
	const char *file = "";
	struct err err;

	test_write_text(dir, ".hidden", "");
	test_write_text(dir, "a", "");
	names = fs_folder_open(dir, ".", &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(names);
	while (fs_folder_next(names, &file, &err) == 1)
		seen |= strcmp(file, "a") == 0		? 1
			: strcmp(file, ".hidden") == 0 ? 2
						       : 4;
	CU_ASSERT_EQUAL(seen, 3);
	CU_ASSERT_EQUAL(fs_folder_next(names, &file, &err), 0);
	fs_folder_close(&names);
	CU_ASSERT_PTR_NULL(names);
	fs_folder_close(&names);
	CU_ASSERT_PTR_NULL(fs_folder_open(dir, "no", &err));
	CU_ASSERT_EQUAL(err.sys, ENOENT);
	(void)close(dir);
}

static void
knows_who_writes(void)
{
	int dir = folder(), writer, reader;
	struct err err;

	writer = fs_create(dir, "x", &err);
	reader = fs_open(dir, "x", O_RDONLY, &err);
	if (fs_unwritten(reader) == -1) {
		test_skip("no leases here");
	} else {
		CU_ASSERT_EQUAL(fs_unwritten(reader), 0);
		(void)close(writer);
		CU_ASSERT_EQUAL(fs_unwritten(reader), 1);
		/* And holds nobody up afterwards. */
		writer = fs_open(dir, "x", O_WRONLY | O_NONBLOCK, &err);
		CU_ASSERT_NOT_EQUAL(writer, -1);
	}
	(void)close(writer);
	(void)close(reader);
	(void)close(dir);
}

static void
locks(void)
{
	int dir = folder(), first, second, asking;
	struct err err;

	first = fs_open_dir(dir, ".", &err);
	second = fs_open_dir(dir, ".", &err);
	asking = fs_open_dir(dir, ".", &err);
	CU_ASSERT_EQUAL(fs_lock_held(asking, "x", &err), 0);
	CU_ASSERT_EQUAL(fs_lock_exclusive(first, "x", &err), 1);
	CU_ASSERT_EQUAL(fs_lock_exclusive(second, "x", &err), 0);
	CU_ASSERT_EQUAL(fs_lock_held(asking, "x", &err), 1);
	(void)close(first);
	/* Asking has kept nothing. */
	CU_ASSERT_EQUAL(fs_lock_held(asking, "x", &err), 0);
	CU_ASSERT_EQUAL(fs_lock_exclusive(second, "x", &err), 1);
	(void)close(second);
	(void)close(asking);
	(void)close(dir);
}

static void
tells_free_space(void)
{
	int dir = folder();
	int64_t bytes = 0, inodes = 0;
	struct err err;

	CU_ASSERT_EQUAL(fs_free(dir, &bytes, &inodes, &err), 0);
	CU_ASSERT_TRUE(bytes > 0);
	CU_ASSERT_TRUE(inodes > 0);
	CU_ASSERT_EQUAL(fs_free(-1, &bytes, &inodes, &err), -1);
	(void)close(dir);
}

static const struct test_case cases[] = {
    {"errors say verb, path and why", errors_say_verb_and_path},
    {"opens for us alone", opens_for_us_alone},
    {"closing tells an error", closing_tells_an_error},
    {"reads small files", reads_small_files},
    {"replaces files whole", replaces_files_whole},
    {"renames over nothing", renames_over_nothing},
    {"looks and removes", looks_and_removes},
    {"removes trees", removes_trees},
    {"scans, without dots, and stops", scans_and_stops},
    {"reads names one by one", reads_one_by_one},
    {"knows who writes", knows_who_writes},
    {"locks", locks},
    {"tells free space", tells_free_space},
    {0},
};

TEST_SUITE(fs, cases)
