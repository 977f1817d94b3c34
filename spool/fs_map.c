/*
 * Mapped files, and what they need of their descriptors.
 *
 * Errors: -1 and *err from errno; see err.c for the classes.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs.h"

int
fs_stat_fd(int fd, const char *path, struct stat *st, struct err *err)
{
	if (fstat(fd, st) == -1)
		return err_sys(err, "stat %s", path);
	return 0;
}

int
fs_map(int fd, size_t size, const char *path, void **memory, struct err *err)
{
	int flags = fd == -1 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;

	*memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (*memory == MAP_FAILED)
		return err_sys(err, "map %s", path);
	return 0;
}

void
fs_unmap(void *memory, size_t size)
{
	(void)munmap(memory, size);
}

int
fs_map_over(const void *at)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *begin = (void *)((uintptr_t)at / page * page);

	return mmap(begin, page, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED
		   ? -1
		   : 0;
}
