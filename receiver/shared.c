/*
 * The memory that the receiver's processes share.
 *
 * Errors: ERR_TEMPORARY where there is no memory.
 */
#include <errno.h>
#include <sys/mman.h>

#include "../spool/counters.h"
#include "../spool/ledger.h"
#include "shared.h"

struct shared *
shared_create(int64_t newest_us, struct err *err)
{
	struct shared *shared;

	/* Pages that nobody writes to cost nothing. */
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		(void)err_sys(err, "map shared memory");
		return NULL;
	}
	atomic_init(&shared->stopping, false);
	atomic_init(&shared->sender_absent_since_ms, 0);
	atomic_init(&shared->links_n, 0);
	atomic_init(&shared->meters_n, 0);
	shared->stamps = stamp_source_create(newest_us, err);
	if (shared->stamps == NULL) {
		(void)munmap(shared, sizeof(*shared));
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
	(void)munmap(shared, sizeof(*shared));
}
