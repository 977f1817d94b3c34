/*
 * A confined process for tests.
 *
 * Errors: where it cannot be had the run is aborted.
 */
#include "test_confined.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_CONFINED 99
#define SECONDS	     20

static bool has_report(int fd);
static enum test_fate fate_of(long rc, int error);

enum test_fate
test_confined_try(const struct test_confined *confined,
    long (*attempt)(const void *context), const void *context)
{
	struct confine *confine;
	struct err err;
	int status, said[2];
	bool reported;
	long rc;
	pid_t pid;

	if (pipe(said) == -1)
		abort();
	pid = fork();
	if (pid == -1)
		abort();
	if (pid == 0) {
		(void)alarm(SECONDS);
		(void)dup2(said[1], STDERR_FILENO);
		if (confined->before != NULL)
			confined->before();
		confine = confine_create(confined->role, &err);
		if (confine == NULL ||
		    confine_enter(confine, confined->root_fd, confined->folders,
			confined->folders_n, &err) == -1)
			_exit(NOT_CONFINED);
		errno = 0;
		rc = attempt(context);
		_exit((int)fate_of(rc, errno));
	}
	(void)close(said[1]);
	reported = has_report(said[0]);
	(void)close(said[0]);
	if (waitpid(pid, &status, 0) != pid ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == NOT_CONFINED))
		abort();
	if (reported)
		return FATE_REPORTED;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? FATE_KILLED : FATE_OTHER;
	return WEXITSTATUS(status) <= FATE_REFUSED
		   ? (enum test_fate)WEXITSTATUS(status)
		   : FATE_OTHER;
}

const char *
test_fate_name(enum test_fate fate)
{
	static const char *const names[] = {
	    "done", "failed", "refused", "killed", "reported", "other"};

	return names[fate];
}

/* All that the process says until its end. */
static bool
has_report(int fd)
{
	char text[16384];
	size_t used = 0;
	ssize_t got;

	do {
		got = read(fd, text + used, sizeof(text) - 1 - used);
		used += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	text[used] = '\0';
	return strstr(text, "Sanitizer: ") != NULL ||
	       strstr(text, "runtime error: ") != NULL;
}

static enum test_fate
fate_of(long rc, int error)
{
	if (rc != -1)
		return FATE_DONE;
	return error == EPERM || error == EACCES ? FATE_REFUSED : FATE_FAILED;
}
