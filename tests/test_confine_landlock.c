/*
 * Folders of a confined process: each use alone, and what no use gives.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spool/confine_private.h"
#include "test.h"
#include "test_confined.h"
#include "test_fixture.h"

static const struct confine_folder folders[] = {
    {"all", CONFINE_READ | CONFINE_LIST | CONFINE_WRITE | CONFINE_MAKE |
		CONFINE_REMOVE | CONFINE_MOVE},
    {"read", CONFINE_READ},
    {"list", CONFINE_LIST},
    {"write", CONFINE_WRITE},
    {"make", CONFINE_MAKE},
    {"remove", CONFINE_REMOVE},
    {"none", 0},
    {"to", CONFINE_MAKE | CONFINE_MOVE},
    {"from", CONFINE_REMOVE | CONFINE_MOVE},
    {"missing", CONFINE_READ},
};

enum deed {
	OPEN,
	OVERWRITE,
	SHORTEN,
	CREATE,
	UNLINK,
	LIST,
	MAKE_FOLDER,
	MAKE_LINK,
	RENAME
};

struct row {
	enum deed deed;
	const char *path, *to;
	enum test_fate fate;
};

static int root_fd; /* of the folders */

static long
list(const char *path)
{
	char entries[1024];
	int fd;

	fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return -1;
	return syscall(SYS_getdents64, (long)fd, entries, sizeof(entries));
}

static long
do_deed(const void *context)
{
	const struct row *row = context;

	switch (row->deed) {
	case OPEN:
		return openat(root_fd, row->path, O_RDONLY);
	case OVERWRITE:
		return openat(root_fd, row->path, O_WRONLY);
	case SHORTEN:
		return openat(root_fd, row->path, O_WRONLY | O_TRUNC);
	case CREATE:
		return openat(
		    root_fd, row->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	case UNLINK:
		return unlinkat(root_fd, row->path, 0);
	case LIST:
		return list(row->path);
	case MAKE_FOLDER:
		return mkdirat(root_fd, row->path, 0700);
	case MAKE_LINK:
		return linkat(root_fd, row->path, root_fd, row->to, 0);
	case RENAME:
		return renameat(root_fd, row->path, root_fd, row->to);
	}
	return -1;
}

/* clang-format off */
static const struct row rows[] = {
    {OPEN, "all/f", "", FATE_DONE},
    {OPEN, "read/f", "", FATE_DONE},
    {OPEN, "read/deep/f", "", FATE_DONE},
    {OPEN, "list/f", "", FATE_REFUSED},
    {OPEN, "write/f", "", FATE_REFUSED},
    {OPEN, "make/f", "", FATE_REFUSED},
    {OPEN, "none/f", "", FATE_REFUSED},
    {OPEN, "other/f", "", FATE_REFUSED},
    {OPEN, "read/link", "", FATE_REFUSED}, /* to other/f */
    {OPEN, "read/../other/f", "", FATE_REFUSED},
    {OPEN, "f", "", FATE_REFUSED},
    {OPEN, "/etc/passwd", "", FATE_REFUSED},
    {OPEN, "/proc/self/mem", "", FATE_REFUSED},
    {OPEN, "/dev/null", "", FATE_REFUSED},
    {LIST, "all", "", FATE_DONE},
    {LIST, "list", "", FATE_DONE},
    {LIST, "read", "", FATE_REFUSED},
    {LIST, ".", "", FATE_REFUSED},
    {LIST, "/", "", FATE_REFUSED},
    {OVERWRITE, "write/f", "", FATE_DONE},
    {OVERWRITE, "read/f", "", FATE_REFUSED},
    {OVERWRITE, "make/f", "", FATE_REFUSED},
    {SHORTEN, "write/f", "", FATE_DONE},
    {SHORTEN, "read/f", "", FATE_REFUSED},
    {CREATE, "all/new", "", FATE_DONE},
    {CREATE, "write/new", "", FATE_REFUSED},
    {CREATE, "read/new", "", FATE_REFUSED},
    {CREATE, "other/new", "", FATE_REFUSED},
    {CREATE, "new", "", FATE_REFUSED},
    {UNLINK, "write/f", "", FATE_REFUSED},
    {UNLINK, "make/f", "", FATE_REFUSED},
    {UNLINK, "other/f", "", FATE_REFUSED},
    {UNLINK, "remove/f", "", FATE_DONE},
    {MAKE_FOLDER, "all/folder", "", FATE_REFUSED},
    {MAKE_FOLDER, "folder", "", FATE_REFUSED},
    {MAKE_LINK, "all/f", "make/linked", FATE_FAILED}, /* EXDEV */
    {MAKE_LINK, "all/f", "other/linked", FATE_REFUSED},
    {MAKE_LINK, "all/f", "to/linked", FATE_DONE},
    {RENAME, "all/f", "other/moved", FATE_REFUSED},
    {RENAME, "all/f", "read/moved", FATE_REFUSED},
    {RENAME, "other/f", "all/moved", FATE_REFUSED},
    {RENAME, "read/f", "all/moved", FATE_REFUSED},
    {RENAME, "from/f", "all/moved", FATE_FAILED}, /* it could be read then */
    {RENAME, "from/f", "to/moved", FATE_DONE},
    {RENAME, "all/f", "all/moved", FATE_DONE},
};
/* clang-format on */

static void
make_folders(void)
{
	static const char *const more[] = {"other", "read/deep"};
	char path[64];
	size_t i;

	root_fd = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]) - 1; i++) {
		(void)mkdirat(root_fd, folders[i].path, 0700);
		(void)snprintf(path, sizeof(path), "%s/f", folders[i].path);
		test_write_text(root_fd, path, "text");
	}
	for (i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		(void)mkdirat(root_fd, more[i], 0700);
		(void)snprintf(path, sizeof(path), "%s/f", more[i]);
		test_write_text(root_fd, path, "text");
	}
	test_write_text(root_fd, "f", "text");
	if (symlinkat("../other/f", root_fd, "read/link") == -1)
		abort();
}

static void
each_use_alone(void)
{
	struct test_confined confined = {.role = CONFINE_ASSOCIATION,
	    .folders = folders,
	    .folders_n = sizeof(folders) / sizeof(folders[0])};
	enum test_fate fate;
	char what[128];
	size_t i;

	if (confine_landlock_abi() < 3) {
		test_skip("no Landlock 3");
		return;
	}
	make_folders();
	confined.root_fd = root_fd;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fate = test_confined_try(&confined, do_deed, &rows[i]);
		(void)snprintf(what, sizeof(what), "%d %s %s: %s, not %s",
		    rows[i].deed, rows[i].path, rows[i].to,
		    test_fate_name(fate), test_fate_name(rows[i].fate));
		TEST_ROW(fate == rows[i].fate, what);
	}
	(void)close(root_fd);
}

/* Landlock alone, without what seccomp forbids besides. */

static int
landlock_alone(long (*attempt)(void))
{
	const pid_t pid = fork();
	struct err err;
	int status;
	long rc;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
		    confine_landlock_enter(
			confine_landlock_abi(), AT_FDCWD, NULL, 0, &err) == -1)
			_exit(2);
		rc = attempt();
		_exit(rc == -1 && (errno == EACCES || errno == EPERM) ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static struct sockaddr_in somebody;

static long
connects(void)
{
	return connect(socket(AF_INET, SOCK_STREAM, 0),
	    (struct sockaddr *)&somebody, sizeof(somebody));
}

static long
binds(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};

	return bind(socket(AF_INET, SOCK_STREAM, 0),
	    (const struct sockaddr *)&any, sizeof(any));
}

static long
signals_its_parent(void)
{
	return kill(getppid(), 0);
}

static void
alone_it_holds_too(void)
{
	socklen_t size = sizeof(somebody);
	int abi = confine_landlock_abi(), fd;

	if (abi < 4) {
		test_skip("no Landlock 4");
		return;
	}
	somebody = (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(
	    bind(fd, (struct sockaddr *)&somebody, sizeof(somebody)), 0);
	CU_ASSERT_EQUAL(listen(fd, 1), 0);
	CU_ASSERT_EQUAL(
	    getsockname(fd, (struct sockaddr *)&somebody, &size), 0);
	CU_ASSERT_EQUAL(landlock_alone(connects), 0);
	CU_ASSERT_EQUAL(landlock_alone(binds), 0);
	(void)close(fd);
	if (abi < 6) {
		test_skip("no Landlock 6");
		return;
	}
	CU_ASSERT_EQUAL(landlock_alone(signals_its_parent), 0);
}

static const struct test_case cases[] = {
    {"folders: each use alone", each_use_alone},
    {"connections and signals, without seccomp", alone_it_holds_too},
    {0},
};

TEST_SUITE(confine_landlock, cases)
