/*
 * File system calls that only root has a use for.
 *
 * Errors: as fs.c.
 */
#include <unistd.h>

#include "fs.h"

int
fs_chown(int fd, uid_t uid, gid_t gid, const char *path, struct err *err)
{
	if (fchown(fd, uid, gid) == -1)
		return err_sys(err, "change the owner of %s", path);
	return 0;
}
