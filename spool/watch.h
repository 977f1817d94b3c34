/*
 * inotify(7), the only module that speaks it. An event is a hint: it names
 * what to look at; where events were lost the caller looks at everything.
 */
#ifndef DCMSPOOL_WATCH_H
#define DCMSPOOL_WATCH_H

#include "err.h"
#include "fs.h"

enum watch_what {
	WATCH_APPEARED, /* a name came: created, linked, renamed to, or its
			   writer closed it */
	WATCH_VANISHED, /* a name went; only where WATCH_BOTH was asked for */
	WATCH_GONE,	/* the folder itself went, or is another's now */
	WATCH_OVERFLOW	/* events were lost, wd and file say nothing */
};

enum watch_interest {
	WATCH_NEW_NAMES,
	WATCH_RENAMED, /* only names that came by rename(2): a third of the
			  events where all come that way */
	WATCH_BOTH
};

typedef void watch_visit(
    void *context, int wd, enum watch_what what, const char *file);

/* Returns the descriptor, non-blocking; readable means events. -1 and *err
 * names the limit in /proc/sys/fs/inotify where that is it. */
int watch_open(struct err *err);

/* Watches a folder. Returns a watch descriptor (>= 1), -1 and *err. */
int watch_add(int watch_fd, int dirfd, const char *path,
    enum watch_interest interest, struct err *err);
void watch_remove(int watch_fd, int wd);

/* Calls visit for what is there now. 0 or -1. */
int watch_read(
    int watch_fd, watch_visit *visit, void *context, struct err *err);

#endif
