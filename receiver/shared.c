/*
 * The memory that the receiver's processes share.
 *
 * Errors: ERR_TEMPORARY where there is no memory. Without the seal (Linux 5.1)
 * children could write to what the parent tells, which is logged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../spool/counters.h"
#include "../spool/ledger.h"
#include "../spool/log.h"
#include "shared.h"

static int map_told(struct shared *shared, struct err *err);
static int map_twice(struct shared *shared, int fd, struct err *err);
static int map_common(struct shared *shared, struct err *err);

struct shared *
shared_create(int64_t newest_us, struct err *err)
{
	struct shared *shared;

	/* Pages that nobody writes to cost nothing. */
	shared = calloc(1, sizeof(*shared));
	if (shared == NULL) {
		(void)err_sys(err, "get memory for what is shared");
		return NULL;
	}
	if (map_told(shared, err) == -1 || map_common(shared, err) == -1) {
		shared_free(shared);
		return NULL;
	}
	shared->stamps = stamp_source_create(newest_us, err);
	if (shared->stamps == NULL) {
		shared_free(shared);
		return NULL;
	}
	return shared;
}

void
shared_free(struct shared *shared)
{
	if (shared == NULL)
		return;
	ledger_close(shared->ledger);
	counters_close(shared->counters);
	stamp_source_free(shared->stamps);
	if (shared->common != NULL)
		(void)munmap(shared->common, sizeof(*shared->common));
	if (shared->told != NULL)
		(void)munmap((void *)shared->told, sizeof(*shared->told));
	if (shared->tell != NULL)
		(void)munmap(shared->tell, sizeof(*shared->tell));
	free(shared);
}

bool
shared_is_stopping(const struct shared *shared)
{
	return atomic_load(&shared->told->stopping);
}

void
shared_stop(struct shared *shared)
{
	atomic_store(&shared->tell->stopping, true);
}

static int
map_told(struct shared *shared, struct err *err)
{
	int fd, rc;

	fd = memfd_create("told", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1 || ftruncate(fd, sizeof(*shared->told)) == -1)
		rc = err_sys(err, "get memory to tell children");
	else
		rc = map_twice(shared, fd, err);
	if (fd != -1)
		(void)close(fd);
	return rc;
}

/* To write, in this process alone; sealed, then to read: mprotect(2) does not
 * change that. */
static int
map_twice(struct shared *shared, int fd, struct err *err)
{
	void *memory;

	memory = mmap(NULL, sizeof(*shared->tell), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return err_sys(err, "map memory to tell children");
	shared->tell = memory;
	if (madvise(memory, sizeof(*shared->tell), MADV_DONTFORK) == -1)
		return err_sys(err, "keep memory from children");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK) == -1)
		LOG(LOG_LEVEL_WARNING, "not-confined",
		    LOG_STR("lacks", "F_SEAL_FUTURE_WRITE (Linux 5.1)"),
		    LOG_STR("consequence", "a peer that takes over a process "
					   "can tell others that the receiver "
					   "stops, or that links are down"));
	memory =
	    mmap(NULL, sizeof(*shared->told), PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return err_sys(err, "map memory to tell children");
	shared->told = memory;
	return 0;
}

static int
map_common(struct shared *shared, struct err *err)
{
	void *memory;

	memory = mmap(NULL, sizeof(*shared->common), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return err_sys(err, "map shared memory");
	shared->common = memory;
	return 0;
}
