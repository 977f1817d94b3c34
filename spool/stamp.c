/*
 * The stamp counter, in shared memory, and the locks by UID: those of fcntl(2),
 * which a dead holder gives up. Locks in shared memory would hold pointers for
 * that, and who can write to them could take over their next holder.
 *
 * Errors: ERR_TEMPORARY where there is no memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "stamp.h"

struct stamp_source {
	_Atomic int64_t *last_us; /* shared */
	int lock_fd;		  /* a file of nothing, a byte of it a UID */
};

static void lock(const struct stamp_source *source, const char *uid, int type);

struct stamp_source *
stamp_source_create(int64_t newest_us, struct err *err)
{
	struct stamp_source *source = calloc(1, sizeof(*source));

	if (source == NULL) {
		(void)err_sys(err, "get memory for the stamp counter");
		return NULL;
	}
	source->lock_fd = memfd_create("stamps", MFD_CLOEXEC);
	source->last_us = mmap(NULL, sizeof(*source->last_us),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (source->lock_fd == -1 || source->last_us == MAP_FAILED) {
		(void)err_sys(err, "get shared memory for the stamp counter");
		stamp_source_free(source);
		return NULL;
	}
	atomic_init(source->last_us, newest_us);
	return source;
}

void
stamp_source_free(struct stamp_source *source)
{
	if (source == NULL)
		return;
	if (source->last_us != MAP_FAILED)
		(void)munmap(source->last_us, sizeof(*source->last_us));
	if (source->lock_fd != -1)
		(void)close(source->lock_fd);
	free(source);
}

int64_t
stamp_next(struct stamp_source *source)
{
	int64_t last = atomic_load(source->last_us), next, now;

	now = clock_real_us();
	do
		next = now > last ? now : last + 1;
	while (!atomic_compare_exchange_weak(source->last_us, &last, next));
	return next;
}

void
stamp_raise(struct stamp_source *source, int64_t seen_us)
{
	int64_t last = atomic_load(source->last_us);

	if (seen_us <= last || seen_us - STAMP_AHEAD_US > clock_real_us())
		return;
	while (last < seen_us &&
	       !atomic_compare_exchange_weak(source->last_us, &last, seen_us))
		continue;
}

void
stamp_lock_uid(struct stamp_source *source, const char *uid)
{
	lock(source, uid, F_WRLCK);
}

void
stamp_unlock_uid(struct stamp_source *source, const char *uid)
{
	lock(source, uid, F_UNLCK);
}

/* What it guards is whole at every instant: a dead holder leaves nothing to
 * mend. */
static void
lock(const struct stamp_source *source, const char *uid, int type)
{
	struct flock range = {
	    .l_type = (short)type, .l_whence = SEEK_SET, .l_len = 1};
	uint32_t hash = 5381;

	for (; *uid != '\0'; uid++)
		hash = hash * 33 + (unsigned char)*uid;
	range.l_start = hash;
	while (fcntl(source->lock_fd, F_SETLKW, &range) == -1 && errno == EINTR)
		;
}
