/*
 * What several tests stand on.
 *
 * Errors: where the fixture cannot be had the run is aborted.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"
#include "test_fixture.h"

void
test_spool_create(struct spool *spool)
{
	char location[128];
	struct err err;

	(void)snprintf(location, sizeof(location), "%s/spool", test_tmpdir());
	if (spool_open(location, true, spool, &err) == -1)
		abort();
}

void
test_write(int dirfd, const char *path, const void *data, size_t size)
{
	int fd;

	fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || write(fd, data, size) != (ssize_t)size ||
	    close(fd) == -1)
		abort();
}

void
test_write_text(int dirfd, const char *path, const char *text)
{
	test_write(dirfd, path, text, strlen(text));
}

bool
test_there(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

size_t
test_count(int dirfd, const char *path)
{
	size_t n = 0;
	DIR *dir;

	dir = fdopendir(openat(dirfd, path, O_RDONLY | O_DIRECTORY));
	if (dir == NULL)
		abort();
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n - 2; /* itself and its parent */
}

void
test_part10(struct part10 *p)
{
	*p = (struct part10){.has_envelope = true,
	    .sop_class = TEST_CLASS,
	    .sop_instance = TEST_UID,
	    .transfer_syntax = TEST_SYNTAX,
	    .envelope = {.association = TEST_ASSOCIATION,
		.message_id = 17,
		.calling_aet = "JD-SCU",
		.called_aet = "ENS-SCP",
		.peer_address = "127.0.0.1:40000",
		.received_us = 1795474201000001,
		.priority = 1}};
}

int
test_in_child(int (*run)(void *context), void *context)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == -1)
		abort();
	if (pid == 0) {
		(void)alarm(20);
		_exit(run(context));
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
test_skip(const char *why)
{
	(void)printf("SKIPPED (%s) ", why);
}
