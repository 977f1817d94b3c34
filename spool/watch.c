/*
 * inotify(7).
 *
 * Errors: as the system calls; a limit that was hit is named, with the file
 * under /proc/sys/fs/inotify where it can be raised.
 */
#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "path.h"
#include "watch.h"

#define EVENTS_SIZE 16384
#define NEW_NAMES   (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE)
#define OLD_NAMES   (IN_DELETE | IN_MOVED_FROM)

static enum watch_what what_of(uint32_t mask);

int
watch_open(struct err *err)
{
	int fd;

	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd == -1 && errno == EMFILE)
		return err_sys(err, "inotify: none left for this user, see "
				    "/proc/sys/fs/inotify/max_user_instances");
	if (fd == -1)
		return err_sys(err, "inotify");
	return fd;
}

/* inotify takes a path only; /proc/self/fd makes one of a descriptor. */
int
watch_add(int watch_fd, int dirfd, const char *path,
    enum watch_interest interest, struct err *err)
{
	static const uint32_t names[] = {
	    [WATCH_NEW_NAMES] = NEW_NAMES,
	    [WATCH_RENAMED] = IN_MOVED_TO,
	    [WATCH_BOTH] = NEW_NAMES | OLD_NAMES,
	};
	uint32_t mask =
	    names[interest] | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
	char whole[PATH_SIZE + 32];
	int wd;

	(void)snprintf(
	    whole, sizeof(whole), "/proc/self/fd/%d/%s", dirfd, path);
	wd = inotify_add_watch(watch_fd, whole, mask);
	if (wd == -1 && errno == ENOSPC)
		return err_sys(err,
		    "watch %s: no watches left, see "
		    "/proc/sys/fs/inotify/max_user_watches",
		    path);
	if (wd == -1)
		return err_sys(err, "watch %s", path);
	return wd;
}

void
watch_remove(int watch_fd, int wd)
{
	(void)inotify_rm_watch(watch_fd, wd);
}

int
watch_read(int watch_fd, watch_visit *visit, void *context, struct err *err)
{
	alignas(struct inotify_event) char events[EVENTS_SIZE];
	const struct inotify_event *event;
	ssize_t got, at;

	got = read(watch_fd, events, sizeof(events));
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got == -1)
		return err_sys(err, "read inotify events");
	for (at = 0; at < got; at += (ssize_t)(sizeof(*event) + event->len)) {
		event =
		    (const struct inotify_event *)(const void *)(events + at);
		visit(context, event->wd, what_of(event->mask),
		    event->len > 0 ? event->name : "");
	}
	return 0;
}

static enum watch_what
what_of(uint32_t mask)
{
	if ((mask & IN_Q_OVERFLOW) != 0)
		return WATCH_OVERFLOW;
	if ((mask & (IN_IGNORED | IN_UNMOUNT | IN_MOVE_SELF)) != 0)
		return WATCH_GONE;
	if ((mask & OLD_NAMES) != 0)
		return WATCH_VANISHED;
	return WATCH_APPEARED;
}
