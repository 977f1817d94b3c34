/*
 * result/<association>, as its child sees it: had from the parent, watched,
 * and emptied.
 *
 * Errors: ERR_TEMPORARY where it is not to be had. Hints may be lost.
 */
#include <poll.h>
#include <unistd.h>

#include "../spool/clock.h"
#include "../spool/fs.h"
#include "../spool/ledger.h"
#include "../spool/watch.h"
#include "channel.h"
#include "result_folder.h"

#define ANSWER_MS 5000 /* for the parent's */

/* What came since the last look. */
struct hints {
	bool look;
	bool folder_gone;
};

static void close_watch(struct child *child);
static bool ask_for_it(struct child *child);
static void on_event(
    void *context, int wd, enum watch_what what, const char *file);
static int remove_marker(void *context, const char *file);

int
result_folder_prepare(struct child *child, struct err *err)
{
	char path[PATH_SIZE];
	struct stat st;

	/* Somebody may have removed it, or made result/ anew. Of that a watch
	 * may not tell: Landlock's rules hold on to what was removed. */
	path_association(path, child->association);
	if (child->has_folder &&
	    fs_stat(child->spool->root_fd, path, &st, NULL) == 1)
		return 0;
	if (!ask_for_it(child))
		return err_set(
		    err, ERR_TEMPORARY, "%s is not to be had any more", path);
	child->has_folder = true;
	return 0;
}

bool
result_folder_hints(struct child *child)
{
	struct hints hints = {.look = false};
	enum channel_word word;
	int passed;

	if (child->watch_fd != -1 &&
	    watch_read(child->watch_fd, on_event, &hints, NULL) == -1)
		close_watch(child);
	if (hints.folder_gone && child->has_folder) {
		child->has_folder = false;
		(void)result_folder_prepare(child, NULL);
	}
	while ((word = channel_receive_fd(child->parent_fd, &passed)) !=
		   CHANNEL_NONE &&
	       word != CHANNEL_GONE) {
		hints.look = hints.look || word == CHANNEL_LOOK;
		if (word == CHANNEL_LEDGER)
			ledger_take(child->shared->ledger, passed);
		else if (passed != -1) /* it came too late */
			(void)close(passed);
	}
	return hints.look;
}

void
result_folder_empty(const struct child *child)
{
	char path[PATH_SIZE];
	int fd;

	path_association(path, child->association);
	fd = fs_open_dir(child->spool->root_fd, path, NULL);
	if (fd == -1)
		return;
	(void)fs_scan(fd, ".", remove_marker, &fd, NULL);
	(void)fs_close(&fd, path, NULL);
}

static void
close_watch(struct child *child)
{
	if (child->watch_fd != -1)
		(void)close(child->watch_fd);
	child->watch_fd = -1;
}

/* Of the parent: the child may make and watch nothing. Without a watch the wait
 * is served by its own looks. */
static bool
ask_for_it(struct child *child)
{
	struct pollfd poller = {.fd = child->parent_fd, .events = POLLIN};
	int64_t until_ms = clock_mono_ms() + ANSWER_MS;
	enum channel_word word;
	int watch_fd;

	close_watch(child);
	if (channel_send(child->parent_fd, CHANNEL_WATCH) == -1) {
		(void)poll(NULL, 0, ANSWER_MS); /* as below */
		return false;
	}
	for (;;) {
		int64_t left_ms = until_ms - clock_mono_ms();

		if (left_ms <= 0 || poll(&poller, 1, (int)left_ms) == 0)
			return false;
		word = channel_receive_fd(child->parent_fd, &watch_fd);
		if (word == CHANNEL_LEDGER)
			ledger_take(child->shared->ledger, watch_fd);
		if (word == CHANNEL_WATCHED)
			child->watch_fd = watch_fd;
		if (word == CHANNEL_WATCHED || word == CHANNEL_UNWATCHED)
			return true;
		/* The parent is: we are killed in a moment, and say nothing. */
		if (word == CHANNEL_GONE)
			(void)poll(NULL, 0, ANSWER_MS);
		if (word == CHANNEL_NO_FOLDER || word == CHANNEL_GONE)
			return false;
	}
}

static void
on_event(void *context, int wd, enum watch_what what, const char *file)
{
	struct hints *hints = context;

	(void)wd;
	(void)file;
	hints->folder_gone = hints->folder_gone || what == WATCH_GONE;
	hints->look = true;
}

static int
remove_marker(void *context, const char *file)
{
	const int *folder_fd = context;

	(void)fs_unlink(*folder_fd, file, NULL);
	return 0;
}
