/*
 * A shim for LD_PRELOAD: a disk on which folders are read slowly. By the
 * environment:
 *
 *	SLOW_FOLDER	how the path of such a folder ends
 *	SLOW_US		microseconds that each name takes
 *	SLOW_WHILE	a file: only while it is there
 *
 * Errors: none; without the three it does nothing.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool
is_slow(DIR *dir)
{
	const char *end = getenv("SLOW_FOLDER"), *file = getenv("SLOW_WHILE");
	char link[64], path[PATH_MAX + 1];
	ssize_t size;

	if (end == NULL || file == NULL || access(file, F_OK) == -1)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd(dir));
	size = readlink(link, path, PATH_MAX);
	if (size < (ssize_t)strlen(end))
		return false;
	path[size] = '\0';
	return strcmp(path + size - strlen(end), end) == 0;
}

struct dirent *
readdir(DIR *dir)
{
	static struct dirent *(*next)(DIR *);
	const char *us = getenv("SLOW_US");
	struct timespec pause = {0, us == NULL ? 0 : atol(us) * 1000};
	int saved = errno;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "readdir");
	if (is_slow(dir))
		(void)nanosleep(&pause, NULL);
	errno = saved;
	return next(dir);
}
