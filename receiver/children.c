/*
 * The parent's children.
 *
 * Errors: ERR_TEMPORARY where there is no memory or no descriptor. A folder
 * that cannot be watched is logged; its child looks by itself.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../spool/fs.h"
#include "../spool/ledger.h"
#include "../spool/log.h"
#include "../spool/process.h"
#include "../spool/watch.h"
#include "channel.h"
#include "children.h"
#include "recover.h"

struct entry {
	struct children *children;
	pid_t pid;
	int fd; /* -1 once nothing comes any more */
	int wd; /* inotify's for result/<association>; 0 = none */
	enum child_mode mode;
	bool may_watch;
	char association[PATH_ASSOCIATION_SIZE];
	char peer[ENVELOPE_PEER_SIZE];
	struct entry *next;
};

struct children {
	struct loop *loop;
	const struct spool *spool;
	struct ledger *ledger;
	int watch_fd; /* -1 = there is no inotify */
	struct entry *first;
	struct entry *left; /* gone; their rests are not */
};

static void open_watch(struct children *children);
static void close_watch(struct children *children);
static void on_watch(void *context);
static void on_marker(
    void *context, int wd, enum watch_what what, const char *file);
static void on_word(void *context);
static void give_folder(struct entry *entry);
static void give_ledger(const struct entry *entry);
static bool pass_watch(const struct entry *entry, const char *path);
static enum channel_word watch_folder(struct entry *entry, const char *path);
static void close_fd(struct entry *entry);
static void log_death(const struct entry *entry, int wait_status);
static void recover(struct children *children, struct entry *entry);
static void recover_those_left(struct children *children);
static void append(struct entry **list, struct entry *entry);
static void free_all(struct entry **list);
static size_t count(
    const struct children *children, const char *peer, bool serving);

struct children *
children_create(struct loop *loop, const struct spool *spool,
    struct ledger *ledger, struct err *err)
{
	struct children *children;

	children = calloc(1, sizeof(*children));
	if (children == NULL) {
		(void)err_sys(err, "get memory for the table of children");
		return NULL;
	}
	children->loop = loop;
	children->spool = spool;
	children->ledger = ledger;
	open_watch(children);
	return children;
}

void
children_free(struct children *children)
{
	if (children == NULL)
		return;
	free_all(&children->first);
	free_all(&children->left);
	if (children->watch_fd != -1)
		(void)close(children->watch_fd);
	free(children);
}

int
children_add(struct children *children, pid_t pid, int fd,
    const struct child *child, struct err *err)
{
	struct entry *entry;

	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return err_sys(err, "get memory for a child");
	entry->children = children;
	entry->pid = pid;
	entry->mode = child->mode;
	entry->may_watch = child->may_watch;
	memcpy(
	    entry->association, child->association, sizeof(entry->association));
	memcpy(entry->peer, child->peer, sizeof(entry->peer));
	entry->fd = fd;
	if (loop_add(children->loop, fd, on_word, entry, err) == -1) {
		free(entry);
		return -1;
	}
	entry->next = children->first;
	children->first = entry;
	return 0;
}

size_t
children_serving(const struct children *children)
{
	return count(children, NULL, true);
}

size_t
children_rejecting(const struct children *children)
{
	return count(children, NULL, false);
}

size_t
children_of_peer(
    const struct children *children, const char *peer, bool serving)
{
	return count(children, peer, serving);
}

bool
children_reaped(struct children *children, pid_t pid, int wait_status,
    char peer[ENVELOPE_PEER_SIZE], bool *failed)
{
	struct entry **link = &children->first, *entry;
	bool no_association = WIFEXITED(wait_status) &&
			      WEXITSTATUS(wait_status) == CHILD_NO_ASSOCIATION;

	while ((entry = *link) != NULL && entry->pid != pid)
		link = &entry->next;
	if (entry == NULL)
		return false;
	*link = entry->next;
	*failed = wait_status != 0;
	memcpy(peer, entry->peer, sizeof(entry->peer));
	if (*failed && !no_association)
		log_death(entry, wait_status);
	if (entry->wd != 0)
		watch_remove(children->watch_fd, entry->wd);
	close_fd(entry);
	recover_those_left(children);
	recover(children, entry);
	return true;
}

void
children_tell_stop(const struct children *children)
{
	const struct entry *entry;

	for (entry = children->first; entry != NULL; entry = entry->next)
		if (entry->fd != -1)
			(void)channel_send(entry->fd, CHANNEL_STOP);
}

void
children_kill(const struct children *children, bool serving)
{
	const struct entry *entry;

	for (entry = children->first; entry != NULL; entry = entry->next)
		if ((entry->mode == CHILD_SERVE) == serving)
			(void)kill(entry->pid, SIGKILL);
}

static void
open_watch(struct children *children)
{
	struct err err = {.class = ERR_NONE};

	children->watch_fd = watch_open(&err);
	if (children->watch_fd != -1 &&
	    loop_add(children->loop, children->watch_fd, on_watch, children,
		&err) == 0)
		return;
	LOG(LOG_LEVEL_ERROR, "watch-unavailable", LOG_STR("error", err.text));
	close_watch(children);
}

static void
close_watch(struct children *children)
{
	if (children->watch_fd == -1)
		return;
	loop_remove(children->loop, children->watch_fd);
	(void)close(children->watch_fd);
	children->watch_fd = -1;
}

static void
on_watch(void *context)
{
	struct children *children = context;
	struct err err = {.class = ERR_NONE};

	if (watch_read(children->watch_fd, on_marker, children, &err) == 0)
		return;
	LOG(LOG_LEVEL_ERROR, "watch-unavailable", LOG_STR("error", err.text));
	close_watch(children);
}

/* A marker is there once it has its own name, without a dot in front. */
static void
on_marker(void *context, int wd, enum watch_what what, const char *file)
{
	struct children *children = context;
	struct entry *entry;

	if (what == WATCH_APPEARED && file[0] == '.')
		return;
	if (what == WATCH_OVERFLOW)
		LOG(LOG_LEVEL_WARNING, "events-lost",
		    LOG_STR("consequence", "every association looks itself"));
	for (entry = children->first; entry != NULL; entry = entry->next) {
		if (entry->wd == 0 ||
		    (what != WATCH_OVERFLOW && entry->wd != wd))
			continue;
		if (what == WATCH_GONE)
			entry->wd = 0;
		else if (entry->fd != -1)
			(void)channel_send(entry->fd, CHANNEL_LOOK);
	}
}

static void
on_word(void *context)
{
	struct entry *entry = context;
	enum channel_word word;

	word = channel_receive(entry->fd);
	if (word == CHANNEL_WATCH)
		give_folder(entry);
	else if (word == CHANNEL_LEDGER)
		give_ledger(entry);
	else if (word != CHANNEL_NONE)
		close_fd(entry);
}

/* What the child has ready gets its name: from now on it is known that somebody
 * waits. */
static void
give_folder(struct entry *entry)
{
	const struct children *children = entry->children;
	char spare[PATH_SIZE], path[PATH_SIZE];
	struct err err = {.class = ERR_NONE};

	path_spare(spare, entry->association);
	path_association(path, entry->association);
	if (fs_rename(children->spool->root_fd, spare, path, &err) != 1)
		(void)channel_send(entry->fd, CHANNEL_NO_FOLDER);
	else if (!entry->may_watch || !pass_watch(entry, path))
		(void)channel_send(entry->fd, watch_folder(entry, path));
}

/* The file that has the ledger's name now. */
static void
give_ledger(const struct entry *entry)
{
	int fd = ledger_fd(entry->children->ledger);

	if (fd != -1)
		(void)channel_pass(entry->fd, CHANNEL_LEDGER, fd);
}

/* With one of its own nobody has to pass on what it says. */
static bool
pass_watch(const struct entry *entry, const char *path)
{
	const struct spool *spool = entry->children->spool;
	bool passed = false;
	int fd;

	fd = watch_open(NULL);
	if (fd == -1)
		return false;
	if (watch_add(fd, spool->root_fd, path, WATCH_RENAMED, NULL) != -1)
		passed = channel_pass(entry->fd, CHANNEL_WATCHED, fd) == 0;
	(void)close(fd);
	return passed;
}

static enum channel_word
watch_folder(struct entry *entry, const char *path)
{
	const struct children *children = entry->children;
	struct err err = {.class = ERR_NONE};
	int wd = -1;

	if (children->watch_fd != -1) {
		wd = watch_add(children->watch_fd, children->spool->root_fd,
		    path, WATCH_RENAMED, &err);
		if (wd == -1)
			LOG(LOG_LEVEL_WARNING, "watch-failed",
			    LOG_STR("association", entry->association),
			    LOG_STR("error", err.text));
	}
	if (wd != -1)
		entry->wd = wd;
	return wd == -1 ? CHANNEL_UNWATCHED : CHANNEL_WATCHED;
}

static void
close_fd(struct entry *entry)
{
	if (entry->fd == -1)
		return;
	loop_remove(entry->children->loop, entry->fd);
	(void)close(entry->fd);
	entry->fd = -1;
}

static void
log_death(const struct entry *entry, int wait_status)
{
	char how[PROCESS_HOW_SIZE];

	process_describe(wait_status, how, sizeof(how));
	LOG(LOG_LEVEL_ERROR, "child-died",
	    LOG_STR("association", entry->association),
	    LOG_STR("peer", entry->peer), LOG_STR("how", how));
}

/* What it could not remove itself, however it ended. Where the disk refuses, it
 * is tried again when others end. */
static void
recover(struct children *children, struct entry *entry)
{
	struct err err = {.class = ERR_NONE};

	if (recover_association(children->spool, entry->association, &err) ==
	    0) {
		free(entry);
		return;
	}
	LOG(LOG_LEVEL_ERROR, "recovery-failed",
	    LOG_STR("association", entry->association),
	    LOG_STR("error", err.text));
	append(&children->left, entry);
}

/* One that still cannot be removed does not keep the others for ever. */
static void
recover_those_left(struct children *children)
{
	struct entry *entry;

	while ((entry = children->left) != NULL) {
		children->left = entry->next;
		if (recover_association(
			children->spool, entry->association, NULL) == -1) {
			append(&children->left, entry);
			return;
		}
		free(entry);
	}
}

static void
append(struct entry **list, struct entry *entry)
{
	while (*list != NULL)
		list = &(*list)->next;
	entry->next = NULL;
	*list = entry;
}

static void
free_all(struct entry **list)
{
	struct entry *entry;

	while ((entry = *list) != NULL) {
		*list = entry->next;
		if (entry->fd != -1)
			(void)close(entry->fd);
		free(entry);
	}
}

/* peer NULL: of all. */
static size_t
count(const struct children *children, const char *peer, bool serving)
{
	const struct entry *entry;
	size_t n = 0;

	for (entry = children->first; entry != NULL; entry = entry->next)
		n += (entry->mode == CHILD_SERVE) == serving &&
		     (peer == NULL || peer_same_host(peer, entry->peer));
	return n;
}
