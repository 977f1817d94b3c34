/*
 * Preloaded into a daemon: inotify as it is on a machine that has none left.
 * INOTIFY_INSTANCES and INOTIFY_WATCHES say how many a process gets.
 *
 * Errors: EMFILE and ENOSPC, as inotify_init1(2) and inotify_add_watch(2).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>

static int instances, watches;

static bool
is_over(const char *name, int used)
{
	const char *limit = getenv(name);

	return limit != NULL && used >= atoi(limit);
}

int
inotify_init1(int flags)
{
	int (*next)(int);

	if (is_over("INOTIFY_INSTANCES", instances)) {
		errno = EMFILE;
		return -1;
	}
	*(void **)&next = dlsym(RTLD_NEXT, "inotify_init1");
	instances++;
	return next(flags);
}

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	int (*next)(int, const char *, uint32_t);

	if (is_over("INOTIFY_WATCHES", watches)) {
		errno = ENOSPC;
		return -1;
	}
	*(void **)&next = dlsym(RTLD_NEXT, "inotify_add_watch");
	watches++;
	return next(fd, path, mask);
}
