/*
 * inotify as hints: each way in which a name comes or goes is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spool/watch.h"
#include "test.h"
#include "test_fixture.h"

/* What was told: a letter for each kind. */
struct heard {
	char appeared[256], vanished[256];
	int gone, overflow, wd, n;
};

static void
hear(void *context, int wd, enum watch_what what, const char *file)
{
	struct heard *heard = context;

	heard->n++;
	switch (what) {
	case WATCH_APPEARED:
		(void)snprintf(
		    heard->appeared, sizeof(heard->appeared), "%s", file);
		heard->wd = wd;
		break;
	case WATCH_VANISHED:
		(void)snprintf(
		    heard->vanished, sizeof(heard->vanished), "%s", file);
		heard->wd = wd;
		break;
	case WATCH_GONE:
		heard->gone++;
		heard->wd = wd;
		break;
	case WATCH_OVERFLOW:
		heard->overflow++;
		break;
	}
}

static struct heard
listen_to(int watch_fd)
{
	struct heard heard = {.n = 0};
	struct err err;
	int before;

	do {
		before = heard.n;
		CU_ASSERT_EQUAL(watch_read(watch_fd, hear, &heard, &err), 0);
	} while (heard.n != before);
	return heard;
}

static int
folder(void)
{
	int fd;

	fd = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || mkdirat(fd, "in", 0700) == -1 ||
	    mkdirat(fd, "out", 0700) == -1)
		abort();
	return fd;
}

static void
tells_what_comes(void)
{
	int dir = folder(), watch_fd, wd;
	struct heard heard;
	struct err err;

	watch_fd = watch_open(&err);
	CU_ASSERT_TRUE((fcntl(watch_fd, F_GETFL) & O_NONBLOCK) != 0);
	CU_ASSERT_TRUE((fcntl(watch_fd, F_GETFD) & FD_CLOEXEC) != 0);
	wd = watch_add(watch_fd, dir, "in", WATCH_NEW_NAMES, &err);
	CU_ASSERT_TRUE(wd >= 1);
	CU_ASSERT_EQUAL(listen_to(watch_fd).n, 0);

	test_write_text(dir, "in/created", "x");
	heard = listen_to(watch_fd);
	CU_ASSERT_STRING_EQUAL(heard.appeared, "created");
	CU_ASSERT_EQUAL(heard.wd, wd);
	test_write_text(dir, "out/a", "x");
	CU_ASSERT_EQUAL(listen_to(watch_fd).n, 0);
	CU_ASSERT_EQUAL(renameat(dir, "out/a", dir, "in/renamed"), 0);
	CU_ASSERT_STRING_EQUAL(listen_to(watch_fd).appeared, "renamed");
	test_write_text(dir, "out/a", "x");
	CU_ASSERT_EQUAL(linkat(dir, "out/a", dir, "in/linked", 0), 0);
	CU_ASSERT_STRING_EQUAL(listen_to(watch_fd).appeared, "linked");
	CU_ASSERT_EQUAL(unlinkat(dir, "in/linked", 0), 0);
	CU_ASSERT_EQUAL(renameat(dir, "in/renamed", dir, "out/b"), 0);
	CU_ASSERT_EQUAL(listen_to(watch_fd).n, 0);
	(void)close(watch_fd);
	(void)close(dir);
}

/* A file that was begun earlier is told again when its writer closes it. */
static void
tells_when_a_writer_closes(void)
{
	int dir = folder(), watch_fd, fd;
	struct err err;

	watch_fd = watch_open(&err);
	(void)watch_add(watch_fd, dir, "in", WATCH_NEW_NAMES, &err);
	fd = openat(dir, "in/x", O_WRONLY | O_CREAT, 0600);
	CU_ASSERT_STRING_EQUAL(listen_to(watch_fd).appeared, "x");
	CU_ASSERT_EQUAL(write(fd, "x", 1), 1);
	CU_ASSERT_EQUAL(listen_to(watch_fd).n, 0);
	(void)close(fd);
	CU_ASSERT_STRING_EQUAL(listen_to(watch_fd).appeared, "x");
	(void)close(watch_fd);
	(void)close(dir);
}

static void
tells_what_goes(void)
{
	int dir = folder(), watch_fd;
	struct err err;

	watch_fd = watch_open(&err);
	(void)watch_add(watch_fd, dir, "in", WATCH_BOTH, &err);
	test_write_text(dir, "in/a", "x");
	test_write_text(dir, "in/b", "x");
	(void)listen_to(watch_fd);
	CU_ASSERT_EQUAL(unlinkat(dir, "in/a", 0), 0);
	CU_ASSERT_STRING_EQUAL(listen_to(watch_fd).vanished, "a");
	CU_ASSERT_EQUAL(renameat(dir, "in/b", dir, "out/b"), 0);
	CU_ASSERT_STRING_EQUAL(listen_to(watch_fd).vanished, "b");
	(void)close(watch_fd);
	(void)close(dir);
}

static void
tells_that_the_folder_went(void)
{
	int dir = folder(), watch_fd, wd;
	struct heard heard;
	struct err err;

	watch_fd = watch_open(&err);
	wd = watch_add(watch_fd, dir, "in", WATCH_NEW_NAMES, &err);
	CU_ASSERT_EQUAL(unlinkat(dir, "in", AT_REMOVEDIR), 0);
	heard = listen_to(watch_fd);
	CU_ASSERT_EQUAL(heard.gone, 1);
	CU_ASSERT_EQUAL(heard.wd, wd);
	/* The one that takes its place is another one. */
	CU_ASSERT_EQUAL(mkdirat(dir, "in", 0700), 0);
	test_write_text(dir, "in/a", "x");
	CU_ASSERT_EQUAL(listen_to(watch_fd).n, 0);
	(void)close(watch_fd);
	(void)close(dir);
}

static void
stops(void)
{
	int dir = folder(), watch_fd, wd;
	struct err err;

	watch_fd = watch_open(&err);
	wd = watch_add(watch_fd, dir, "in", WATCH_NEW_NAMES, &err);
	watch_remove(watch_fd, wd);
	test_write_text(dir, "in/a", "x");
	CU_ASSERT_STRING_EQUAL(listen_to(watch_fd).appeared, "");
	(void)close(watch_fd);
	(void)close(dir);
}

static void
tells_that_events_were_lost(void)
{
	int dir = folder(), watch_fd, i, limit = 0;
	struct heard heard;
	struct err err;
	FILE *file;

	file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	if (file == NULL || fscanf(file, "%d", &limit) != 1 || limit > 200000) {
		test_skip("the queue of events is too long");
		limit = 0;
	}
	if (file != NULL)
		(void)fclose(file);
	watch_fd = watch_open(&err);
	(void)watch_add(watch_fd, dir, "in", WATCH_BOTH, &err);
	test_write_text(dir, "in/a", "x");
	for (i = 0; i <= limit; i++)
		(void)renameat(dir, i % 2 == 0 ? "in/a" : "out/a", dir,
		    i % 2 == 0 ? "out/a" : "in/a");
	heard = listen_to(watch_fd);
	CU_ASSERT_EQUAL(heard.overflow, limit > 0 ? 1 : 0);
	/* And it goes on. */
	test_write_text(dir, "in/b", "x");
	CU_ASSERT_STRING_EQUAL(listen_to(watch_fd).appeared, "b");
	(void)close(watch_fd);
	(void)close(dir);
}

static void
says_what_cannot_be_watched(void)
{
	int dir = folder(), watch_fd;
	struct err err;

	watch_fd = watch_open(&err);
	CU_ASSERT_EQUAL(
	    watch_add(watch_fd, dir, "no", WATCH_NEW_NAMES, &err), -1);
	CU_ASSERT_STRING_EQUAL(err.text, "watch no: No such file or directory");
	test_write_text(dir, "file", "x");
	CU_ASSERT_EQUAL(
	    watch_add(watch_fd, dir, "file", WATCH_NEW_NAMES, &err), -1);
	CU_ASSERT_EQUAL(err.sys, ENOTDIR);
	(void)close(watch_fd);
	(void)close(dir);
}

static const struct test_case cases[] = {
    {"tells what comes: created, renamed, linked", tells_what_comes},
    {"tells when a writer closes", tells_when_a_writer_closes},
    {"tells what goes, where it is asked to", tells_what_goes},
    {"tells that the folder went", tells_that_the_folder_went},
    {"stops", stops},
    {"tells that events were lost", tells_that_events_were_lost},
    {"says what cannot be watched", says_what_cannot_be_watched},
    {0},
};

TEST_SUITE(watch, cases)
