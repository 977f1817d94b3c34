/*
 * The stamp counter and the locks by UID, in shared memory.
 *
 * Errors: ERR_TEMPORARY where there is no memory.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "clock.h"
#include "stamp.h"

#define LOCKS 64 /* more UIDs than are published at one time */

struct stamp_source {
	_Atomic int64_t last_us;
	pthread_mutex_t lock[LOCKS];
};

static int init_locks(struct stamp_source *source);
static pthread_mutex_t *lock_of(struct stamp_source *source, const char *uid);

struct stamp_source *
stamp_source_create(int64_t newest_us, struct err *err)
{
	struct stamp_source *source;

	source = mmap(NULL, sizeof(*source), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (source == MAP_FAILED) {
		(void)err_sys(err, "map memory for the stamp counter");
		return NULL;
	}
	atomic_init(&source->last_us, newest_us);
	errno = init_locks(source);
	if (errno != 0) {
		(void)err_sys(err, "make the locks of the stamp counter");
		(void)munmap(source, sizeof(*source));
		return NULL;
	}
	return source;
}

void
stamp_source_free(struct stamp_source *source)
{
	if (source != NULL)
		(void)munmap(source, sizeof(*source));
}

int64_t
stamp_next(struct stamp_source *source)
{
	int64_t last = atomic_load(&source->last_us), next, now;

	now = clock_real_us();
	do
		next = now > last ? now : last + 1;
	while (!atomic_compare_exchange_weak(&source->last_us, &last, next));
	return next;
}

void
stamp_lock_uid(struct stamp_source *source, const char *uid)
{
	pthread_mutex_t *lock = lock_of(source, uid);

	/* What it guards is whole at every instant: a dead holder leaves
	 * nothing to mend. */
	if (pthread_mutex_lock(lock) == EOWNERDEAD)
		(void)pthread_mutex_consistent(lock);
}

void
stamp_unlock_uid(struct stamp_source *source, const char *uid)
{
	(void)pthread_mutex_unlock(lock_of(source, uid));
}

static int
init_locks(struct stamp_source *source)
{
	pthread_mutexattr_t attr;
	int rc, i;

	rc = pthread_mutexattr_init(&attr);
	if (rc == 0)
		rc =
		    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (rc == 0)
		rc = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	for (i = 0; i < LOCKS && rc == 0; i++)
		rc = pthread_mutex_init(&source->lock[i], &attr);
	(void)pthread_mutexattr_destroy(&attr);
	return rc;
}

static pthread_mutex_t *
lock_of(struct stamp_source *source, const char *uid)
{
	unsigned hash = 5381;

	for (; *uid != '\0'; uid++)
		hash = hash * 33 + (unsigned char)*uid;
	return &source->lock[hash % LOCKS];
}
