/*
 * Files of counters: made, mapped, set aside where they are not ours.
 *
 * A mapped file may shrink under us, or its file system may have no room for a
 * page that is written to: the kernel then sends SIGBUS. The handler here
 * puts memory of nobody's in the place of that page, so that counting goes on,
 * and nothing else notices; counters_check gets a whole file again.
 *
 * Errors: what cannot be had is logged, and counted in memory until it can.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "counters_private.h"
#include "fs.h"
#include "log.h"

#define TRIES	 20
#define RETRY_MS 10

struct counters {
	const struct spool *spool;
	struct counters_block *first; /* the whole; then destinations */
	int64_t check_at_ms;
};

/* For the handler, which has no other way to know. */
static struct counters *volatile mapped;

static struct counters_block *add_block(
    struct counters *counters, const char *dest);
static void map_block(const struct spool *spool, struct counters_block *block);
static int open_file(const struct spool *spool,
    const struct counters_block *block, struct err *err);
static int make_file(
    int root_fd, const char *path, const char *dest, struct err *err);
static int is_ours(int fd, const char *path, const char *dest, struct err *err);
static int set_aside(int root_fd, int fd, const char *path, struct err *err);
static bool is_current(
    const struct spool *spool, const struct counters_block *block);
static void watch_bus_errors(void);
static void on_bus_error(int number, siginfo_t *info, void *context);

struct counters *
counters_open(const struct spool *spool, struct err *err)
{
	struct counters *counters;

	counters = calloc(1, sizeof(*counters));
	if (counters == NULL) {
		(void)err_sys(err, "get memory for the counters");
		return NULL;
	}
	counters->spool = spool;
	counters->check_at_ms = clock_mono_ms() + COUNTERS_CHECK_MS;
	if (add_block(counters, "") == NULL) {
		(void)err_sys(err, "get memory for the counters");
		free(counters);
		return NULL;
	}
	mapped = counters;
	watch_bus_errors();
	return counters;
}

void
counters_close(struct counters *counters)
{
	struct counters_block *block;

	if (counters == NULL)
		return;
	if (mapped == counters)
		mapped = NULL;
	while ((block = counters->first) != NULL) {
		counters->first = block->next;
		fs_unmap(block->file, sizeof(*block->file));
		free(block);
	}
	free(counters);
}

struct counters_block *
counters_whole(struct counters *counters)
{
	return counters_of(counters, "");
}

struct counters_block *
counters_add(struct counters *counters, const char *dest)
{
	struct counters_block *block = counters_of(counters, dest);

	return block == NULL ? add_block(counters, dest) : block;
}

struct counters_block *
counters_of(const struct counters *counters, const char *dest)
{
	struct counters_block *block;

	for (block = counters->first; block != NULL; block = block->next)
		if (strcmp(block->dest, dest) == 0)
			return block;
	return NULL;
}

void
counters_check(struct counters *counters)
{
	struct counters_block *block;
	struct counters_file *old;
	int64_t now_ms = clock_mono_ms();

	if (now_ms < counters->check_at_ms)
		return;
	counters->check_at_ms = now_ms + COUNTERS_CHECK_MS;
	for (block = counters->first; block != NULL; block = block->next) {
		if (is_current(counters->spool, block))
			continue;
		old = block->file;
		map_block(counters->spool, block);
		if (block->file != old)
			fs_unmap(old, sizeof(*old));
	}
}

void
counters_path(char path[PATH_SIZE], const char *dest)
{
	if (dest[0] == '\0')
		(void)snprintf(path, PATH_SIZE, "%s", PATH_COUNTERS);
	else
		path_counters(path, dest);
}

bool
counters_header_valid(
    const struct counters_header *header, int64_t size, const char *dest)
{
	return size == (int64_t)sizeof(struct counters_file) &&
	       memcmp(header->magic, COUNTERS_MAGIC, sizeof(header->magic)) ==
		   0 &&
	       header->byte_order == COUNTERS_BYTE_ORDER &&
	       header->size == sizeof(struct counters_file) &&
	       strncmp(header->name, dest, sizeof(header->name)) == 0;
}

static struct counters_block *
add_block(struct counters *counters, const char *dest)
{
	struct counters_block *block, **link = &counters->first;

	block = calloc(1, sizeof(*block));
	if (block == NULL)
		return NULL;
	(void)snprintf(block->dest, sizeof(block->dest), "%s", dest);
	map_block(counters->spool, block);
	if (block->file == NULL) {
		free(block);
		return NULL;
	}
	while (*link != NULL)
		link = &(*link)->next;
	*link = block;
	return block;
}

/* One that was had before stays in place where no other can be had. */
static void
map_block(const struct spool *spool, struct counters_block *block)
{
	bool was_lost = block->is_lost;
	struct err err = {.class = ERR_NONE};
	char path[PATH_SIZE];
	struct stat st;
	void *file;
	int fd;

	counters_path(path, block->dest);
	fd = open_file(spool, block, &err);
	if (fd != -1 && fs_stat_fd(fd, path, &st, &err) == 0 &&
	    fs_map(fd, sizeof(*block->file), path, &file, &err) == 0) {
		block->file = file;
		block->dev = st.st_dev;
		block->ino = st.st_ino;
		block->is_lost = false;
		(void)fs_close(&fd, path, NULL);
		return;
	}
	(void)fs_close(&fd, path, NULL);
	block->is_lost = true;
	if (!was_lost)
		LOG(LOG_LEVEL_ERROR, "counters-not-kept", LOG_STR("file", path),
		    LOG_STR("error", err.text));
	if (block->file == NULL &&
	    fs_map(-1, sizeof(*block->file), path, &file, NULL) == 0)
		block->file = file;
}

/* Both daemons may make it, or find it damaged, at the same time. */
static int
open_file(const struct spool *spool, const struct counters_block *block,
    struct err *err)
{
	struct err local = {.class = ERR_NONE};
	char path[PATH_SIZE];
	int fd, i, rc;

	counters_path(path, block->dest);
	for (i = 0; i < TRIES; i++) {
		fd = fs_open(spool->root_fd, path,
		    O_RDWR | O_NOFOLLOW | O_NONBLOCK, &local);
		if (fd == -1 && local.sys == ENOENT) {
			if (make_file(spool->root_fd, path, block->dest, err) ==
			    -1)
				return -1;
			continue;
		}
		if (fd == -1) {
			*err = local;
			return -1;
		}
		rc = is_ours(fd, path, block->dest, err);
		if (rc == 1)
			return fd;
		if (rc == 0)
			rc = set_aside(spool->root_fd, fd, path, err);
		(void)fs_close(&fd, path, NULL);
		if (rc == -1)
			return -1;
		if (rc == 0)
			(void)poll(NULL, 0, RETRY_MS);
	}
	return err_set(err, ERR_TEMPORARY, "%s comes and goes", path);
}

/* Whole under a temporary name, then in its place, never over another. All of
 * it is written, so that it has its blocks on the disk. */
static int
make_file(int root_fd, const char *path, const char *dest, struct err *err)
{
	char temporary[PATH_SIZE + 16];
	struct counters_file *file;
	struct err local = {.class = ERR_NONE};
	int fd = -1, rc = -1;

	fs_temporary_name(path, temporary, sizeof(temporary));
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return err_sys(err, "make %s", path);
	memcpy(file->header.magic, COUNTERS_MAGIC, sizeof(file->header.magic));
	file->header.byte_order = COUNTERS_BYTE_ORDER;
	file->header.size = sizeof(*file);
	(void)snprintf(
	    file->header.name, sizeof(file->header.name), "%s", dest);
	(void)fs_unlink(root_fd, temporary, NULL);
	fd = fs_create(root_fd, temporary, err);
	if (fd == -1 ||
	    fs_write(fd, file, sizeof(*file), temporary, err) == -1 ||
	    fs_sync_fd(fd, temporary, err) == -1)
		goto out;
	rc = fs_rename(root_fd, temporary, path, &local);
	if (rc == -1 && local.sys != EEXIST)
		*err = local;
	else
		rc = 0; /* there is one: ours, or the other daemon's */
out:
	(void)fs_close(&fd, temporary, NULL);
	(void)fs_unlink(root_fd, temporary, NULL);
	free(file);
	return rc;
}

/* 1, 0, -1 */
static int
is_ours(int fd, const char *path, const char *dest, struct err *err)
{
	struct counters_header header = {.size = 0};
	struct stat st;

	if (fs_stat_fd(fd, path, &st, err) == -1)
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(header))
		return 0;
	if (fs_pread(fd, &header, sizeof(header), 0, path, err) == -1)
		return -1;
	return counters_header_valid(&header, st.st_size, dest);
}

/*
 * The lock is on the file that is to go: who waited for it sees that its name
 * is another's by now. 1 it is out of the way, 0 look again, -1.
 */
static int
set_aside(int root_fd, int fd, const char *path, struct err *err)
{
	char aside[PATH_SIZE + 16];
	struct stat ours, there;
	int rc;

	rc = fs_lock_exclusive(fd, path, err);
	if (rc != 1)
		return rc;
	if (fs_stat_fd(fd, path, &ours, err) == -1)
		return -1;
	rc = fs_stat(root_fd, path, &there, err);
	if (rc != 1 || there.st_ino != ours.st_ino)
		return rc == -1 ? -1 : 1;
	(void)snprintf(aside, sizeof(aside), "%s.damaged", path);
	(void)fs_unlink(root_fd, aside, NULL);
	if (fs_rename(root_fd, path, aside, err) == -1)
		return -1;
	LOG(LOG_LEVEL_WARNING, "counters-set-aside", LOG_STR("file", path),
	    LOG_STR("to", aside));
	return 1;
}

static bool
is_current(const struct spool *spool, const struct counters_block *block)
{
	char path[PATH_SIZE];
	struct stat st;

	counters_path(path, block->dest);
	return !block->is_lost &&
	       fs_stat(spool->root_fd, path, &st, NULL) == 1 &&
	       st.st_dev == block->dev && st.st_ino == block->ino &&
	       st.st_size == (off_t)sizeof(*block->file);
}

static void
watch_bus_errors(void)
{
	struct sigaction action = {
	    .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGBUS, &action, NULL);
}

/* Any other one is what it would have been: the end. */
static void
on_bus_error(int number, siginfo_t *info, void *context)
{
	const struct counters *counters = mapped;
	const struct counters_block *block = NULL;
	const char *at = info->si_addr, *begin;
	int saved = errno;

	(void)context;
	if (counters != NULL)
		block = counters->first;
	for (; block != NULL; block = block->next) {
		begin = (const char *)block->file;
		if (at >= begin && at < begin + sizeof(*block->file) &&
		    fs_map_over(at) == 0) {
			errno = saved;
			return;
		}
	}
	(void)signal(number, SIG_DFL);
}
