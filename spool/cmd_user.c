/*
 * As whom: root acts in the spool as the spool's owner, so that what it makes
 * there is the daemons' own; and as itself on files that are elsewhere.
 *
 * Errors: as setresuid(2).
 */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "cmd.h"
#include "fs.h"

int
cmd_user_become_owner(struct cmd *cmd, struct err *err)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (fs_stat(cmd->spool.root_fd, ".", &st, err) != 1)
		return -1;
	if (st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) == -1 || setegid(st.st_gid) == -1 ||
	    seteuid(st.st_uid) == -1)
		return err_sys(err, "become the owner of the spool, user %u",
		    (unsigned)st.st_uid);
	cmd->owner = st.st_uid;
	return 0;
}

void
cmd_user_leave(const struct cmd *cmd)
{
	if (cmd->owner != 0 && seteuid(0) == -1)
		_exit(71); /* EX_OSERR: our saved user id is root's */
}

void
cmd_user_enter(const struct cmd *cmd)
{
	int saved = errno;

	if (cmd->owner != 0 && seteuid(cmd->owner) == -1)
		_exit(71);
	errno = saved;
}
