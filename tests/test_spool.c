/*
 * The spool as a whole: made, checked, refused, locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spool/fs.h"
#include "../spool/spool.h"
#include "test.h"
#include "test_fixture.h"

#define VERSION "dcmspool-spool 1\n"
#define SKIPPED 77

static void
is_made_once(void)
{
	char location[128], version[64];
	struct spool spool;
	struct stat st;
	struct err err;

	(void)snprintf(location, sizeof(location), "%s/a", test_tmpdir());
	CU_ASSERT_EQUAL(spool_open(location, false, &spool, &err), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CONFIG);
	CU_ASSERT_FALSE(test_there(AT_FDCWD, location));
	CU_ASSERT_EQUAL_FATAL(spool_open(location, true, &spool, &err), 0);
	CU_ASSERT_EQUAL(fs_stat(spool.root_fd, ".", &st, &err), 1);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);
	CU_ASSERT_TRUE(fs_read_file(spool.root_fd, "version", version,
			   sizeof(version), &err) > 0);
	CU_ASSERT_STRING_EQUAL(version, VERSION);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "."), 4);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "tmp"), 0);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "queue"), 0);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "result"), 0);
	test_write_text(spool.root_fd, "tmp/x", "");
	spool_close(&spool);
	CU_ASSERT_EQUAL(spool.root_fd, -1);
	CU_ASSERT_EQUAL(spool_open(location, true, &spool, &err), 0);
	CU_ASSERT_TRUE(test_there(spool.root_fd, "tmp/x"));
	spool_close(&spool);
	CU_ASSERT_EQUAL(spool_open(location, false, &spool, &err), 0);
	spool_close(&spool);
}

/* "+name" is a folder, "name=text" a file. */
static void
refuses_what_is_not_ours(void)
{
	static const struct {
		const char *what;
		const char *entries[5];
		int create, rc;
		const char *says;
	} rows[] = {
	    {"empty, to be made", {0}, 1, 0, ""},
	    {"empty", {0}, 0, -1, "is empty"},
	    {"somebody's folder", {"letter=x"}, 1, -1, "not a spool"},
	    {"somebody's folder, only read", {"letter=x"}, 0, -1,
		"not a spool"},
	    {"a fresh file system", {"+lost+found"}, 1, 0, ""},
	    {"killed while it was made", {".version.1~=dcm"}, 1, 0, ""},
	    {"killed a little later", {"version=" VERSION}, 1, 0, ""},
	    {"another version", {"version=dcmspool-spool 2\n"}, 1, -1,
		"\"dcmspool-spool 2\""},
	    {"something else", {"version=1.0"}, 1, -1, "\"1.0\""},
	    {"an empty version", {"version="}, 1, -1, "version"},
	    {"not whole", {"version=" VERSION, "+tmp", "+queue"}, 0, -1,
		"result is not a folder"},
	    {"a file in its place",
		{"version=" VERSION, "+tmp", "+queue", "result=x"}, 1, -1,
		"result is not a folder"},
	};
	const char *const *entry, *equals;
	char name[64];
	struct spool spool;
	struct err err;
	const char *location;
	size_t i;
	int dir;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		location = test_tmpdir();
		dir = open(location, O_RDONLY | O_DIRECTORY);
		for (entry = rows[i].entries; *entry != NULL; entry++)
			if (**entry == '+') {
				(void)mkdirat(dir, *entry + 1, 0700);
			} else {
				equals = strchr(*entry, '=');
				(void)snprintf(name, sizeof(name), "%.*s",
				    (int)(equals - *entry), *entry);
				test_write_text(dir, name, equals + 1);
			}
		(void)close(dir);
		err = (struct err){.class = ERR_NONE};
		TEST_ROW(spool_open(location, rows[i].create == 1, &spool,
			     &err) == rows[i].rc,
		    rows[i].what);
		TEST_ROW(
		    rows[i].rc == 0 || err.class == ERR_CONFIG, rows[i].what);
		TEST_ROW(strstr(err.text, rows[i].says) != NULL, rows[i].what);
		TEST_ROW(rows[i].rc == 0 || strstr(err.text, location) != NULL,
		    rows[i].what);
		spool_close(&spool);
	}
}

static void
makes_no_parents(void)
{
	char location[128];
	struct spool spool;
	struct err err;

	(void)snprintf(location, sizeof(location), "%s/a/b", test_tmpdir());
	CU_ASSERT_EQUAL(spool_open(location, true, &spool, &err), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, location));
}

/* In a mount namespace of its own: it leaves nothing behind. */
static int
open_on_two_file_systems(void *context)
{
	struct spool *spool = context, again;
	struct err err = {.class = ERR_NONE};
	char path[256];

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return SKIPPED;
	(void)snprintf(path, sizeof(path), "%s/queue", spool->location);
	if (mount("none", path, "tmpfs", 0, "size=64k") == -1)
		return SKIPPED;
	if (spool_open(spool->location, true, &again, &err) != -1)
		return 1;
	if (err.class != ERR_CONFIG ||
	    strstr(err.text, "another file system") == NULL ||
	    strstr(err.text, path) == NULL)
		return 2;
	if (umount(path) == -1)
		return 3;
	/* And of one destination's folder; seen from this namespace. */
	if (spool_open(spool->location, true, &again, &err) == -1 ||
	    spool_make_destination(&again, "PACS", &err) == -1)
		return 4;
	(void)snprintf(
	    path, sizeof(path), "%s/queue/PACS/failed", spool->location);
	if (mount("none", path, "tmpfs", 0, "size=64k") == -1)
		return 5;
	if (spool_make_destination(&again, "PACS", &err) != -1)
		return 6;
	return strstr(err.text, "another file system") == NULL ? 7 : 0;
}

static void
refuses_two_file_systems(void)
{
	struct spool spool;
	int code;

	test_spool_create(&spool);
	code = test_in_child(open_on_two_file_systems, &spool);
	if (code == SKIPPED)
		test_skip("nothing can be mounted here");
	else
		CU_ASSERT_EQUAL(code, 0);
	spool_close(&spool);
}

static void
makes_destinations(void)
{
	struct spool spool;
	struct err err;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "PACS", &err), 0);
	CU_ASSERT_EQUAL(test_count(spool.root_fd, "queue/PACS"), 8);
	CU_ASSERT_EQUAL(fs_rmdir(spool.root_fd, "queue/PACS/new", &err), 1);
	test_write_text(spool.root_fd, "queue/PACS/hold/x.dcm", "");
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "PACS", &err), 0);
	CU_ASSERT_TRUE(test_there(spool.root_fd, "queue/PACS/new"));
	CU_ASSERT_TRUE(test_there(spool.root_fd, "queue/PACS/hold/x.dcm"));
	spool_close(&spool);
}

static void
finds_the_newest_stamp(void)
{
	static const char *const files[] = {
	    "queue/A/new/20261123T225001.000001Z-m1-1.2.dcm",
	    "queue/A/failed/20261123T225001.000009Z-m1-1.2.dcm",
	    "queue/A/sent/20261123T225001.000002Z-m1-1.2.dcm",
	    "queue/B/sent/20261123T225001.000007Z-m1-1.2.dcm",
	    "queue/B/new/20991123T225001.000007Z-m1-1.2.txt",
	    "queue/B/new/99991123T225001.dcm",
	    "queue/B/result/20991123T225001.000007Z-m1-1.2.dcm",
	};
	struct spool spool;
	struct err err;
	int64_t newest_us = -1;
	size_t i;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL(spool_newest_stamp(&spool, &newest_us, &err), 0);
	CU_ASSERT_EQUAL(newest_us, 0);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "A", &err), 0);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "B", &err), 0);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		test_write_text(spool.root_fd, files[i], "");
	test_write_text(spool.root_fd, "queue/README", "no folder");
	CU_ASSERT_EQUAL(fs_rmdir(spool.root_fd, "queue/B/hold", &err), 1);
	CU_ASSERT_EQUAL(spool_newest_stamp(&spool, &newest_us, &err), 0);
	CU_ASSERT_EQUAL(newest_us, 1795474201000009);
	spool_close(&spool);
}

struct holder {
	struct spool *spool;
	enum spool_side side;
	int told[2], stop[2];
	int hold_ms; /* -1: until it is killed */
};

static pid_t
start_holder(struct holder *holder)
{
	struct pollfd fd;
	struct err err;
	pid_t pid;
	int lock;
	char c;

	if (pipe(holder->told) == -1 || pipe(holder->stop) == -1)
		abort();
	pid = fork();
	if (pid == 0) {
		if (spool_lock(holder->spool, holder->side, 0, &lock, &err) ==
			-1 ||
		    write(holder->told[1], "x", 1) != 1)
			_exit(1);
		fd = (struct pollfd){.fd = holder->stop[0], .events = POLLIN};
		(void)poll(&fd, 1, holder->hold_ms);
		_exit(0);
	}
	CU_ASSERT_EQUAL(read(holder->told[0], &c, 1), 1);
	return pid;
}

static void
one_daemon_a_side(void)
{
	struct spool spool;
	struct holder holder = {
	    .spool = &spool, .side = SPOOL_SENDER, .hold_ms = -1};
	int lock = -1, other = -1, queue_fd, status;
	struct err err;
	pid_t pid;

	test_spool_create(&spool);
	queue_fd = fs_open_dir(spool.root_fd, "queue", &err);
	CU_ASSERT_EQUAL(spool_sender_runs(queue_fd, &err), 0);
	pid = start_holder(&holder);
	CU_ASSERT_EQUAL(spool_sender_runs(queue_fd, &err), 1);
	CU_ASSERT_EQUAL(spool_lock(&spool, SPOOL_SENDER, 0, &lock, &err), -1);
	CU_ASSERT_EQUAL(lock, -1);
	CU_ASSERT_EQUAL(err.class, ERR_TEMPORARY);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "another sender"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, spool.location));
	/* The other side is another lock. */
	CU_ASSERT_EQUAL(spool_lock(&spool, SPOOL_RECEIVER, 0, &other, &err), 0);
	CU_ASSERT_TRUE((fcntl(other, F_GETFD) & FD_CLOEXEC) != 0);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(spool_sender_runs(queue_fd, &err), 0);
	CU_ASSERT_EQUAL(spool_lock(&spool, SPOOL_SENDER, 0, &lock, &err), 0);
	(void)close(lock);
	(void)close(other);
	(void)close(queue_fd);
	spool_close(&spool);
}

static void
waits_for_the_lock(void)
{
	struct spool spool;
	struct holder holder = {
	    .spool = &spool, .side = SPOOL_RECEIVER, .hold_ms = 60};
	struct err err;
	int lock, status;
	pid_t pid;

	test_spool_create(&spool);
	pid = start_holder(&holder);
	CU_ASSERT_EQUAL(
	    spool_lock(&spool, SPOOL_RECEIVER, 10000, &lock, &err), 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	(void)close(lock);
	spool_close(&spool);
}

/* A daemon's children hold its lock: what they do is not over. */
static void
children_inherit_the_lock(void)
{
	int lock, other, stop[2], status;
	struct spool spool;
	struct err err;
	pid_t pid;
	char c;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL_FATAL(pipe(stop), 0);
	CU_ASSERT_EQUAL(spool_lock(&spool, SPOOL_SENDER, 0, &lock, &err), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(stop[1]);
		_exit(read(stop[0], &c, 1) == 0 ? 0 : 1);
	}
	(void)close(lock);
	CU_ASSERT_EQUAL(spool_lock(&spool, SPOOL_SENDER, 0, &other, &err), -1);
	(void)close(stop[1]);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(spool_lock(&spool, SPOOL_SENDER, 0, &other, &err), 0);
	(void)close(other);
	(void)close(stop[0]);
	spool_close(&spool);
}

static int
remember(void *context, const char *dest)
{
	(void)strcat(context, dest);
	return 0;
}

static void
scans_destinations(void)
{
	char seen[64] = "";
	struct spool spool;
	struct err err;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL(spool_make_destination(&spool, "PACS", &err), 0);
	CU_ASSERT_EQUAL(
	    spool_scan_destinations(&spool, remember, seen, &err), 0);
	CU_ASSERT_STRING_EQUAL(seen, "PACS");
	spool_close(&spool);
}

static const struct test_case cases[] = {
    {"is made once, and opened again", is_made_once},
    {"refuses what is not ours", refuses_what_is_not_ours},
    {"makes no parent folders", makes_no_parents},
    {"refuses two file systems", refuses_two_file_systems},
    {"makes destinations, and mends them", makes_destinations},
    {"finds the newest stamp", finds_the_newest_stamp},
    {"one daemon a side", one_daemon_a_side},
    {"waits for the lock", waits_for_the_lock},
    {"children inherit the lock", children_inherit_the_lock},
    {"scans destinations", scans_destinations},
    {0},
};

TEST_SUITE(spool, cases)
