/*
 * File system calls: what this user may do, and whose something is.
 *
 * Errors: none; what cannot be told is no.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "fs.h"

bool
fs_may_change(int dirfd, const char *path)
{
	return faccessat(dirfd, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0;
}

void
fs_user_name(uid_t uid, char out[FS_USER_SIZE])
{
	const struct passwd *entry = getpwuid(uid);

	if (entry != NULL)
		(void)snprintf(out, FS_USER_SIZE, "%s", entry->pw_name);
	else
		(void)snprintf(out, FS_USER_SIZE, "%u", (unsigned)uid);
}
