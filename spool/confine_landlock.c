/*
 * Landlock (landlock(7)): from version 2 of its interface on, as the first one
 * lets nothing move from one folder to another.
 *
 * Errors: as the system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine_private.h"
#include "fs.h"

/* Newer than the headers of Debian 12. */
#define ACCESS_TRUNCATE	    (UINT64_C(1) << 14) /* 3 */
#define ACCESS_IOCTL_DEV    (UINT64_C(1) << 15) /* 5 */
#define NET_ALL		    UINT64_C(3)		/* 4: bind and connect, TCP */
#define SCOPE_ALL	    UINT64_C(3) /* 6: abstract sockets, signals */
#define ACCESS_OF_VERSION_2 ((UINT64_C(1) << 14) - 1)

struct ruleset {
	uint64_t handled_fs, handled_net, scoped;
};

static int add_folder(int ruleset_fd, uint64_t handled, int root_fd,
    const struct confine_folder *folder, struct err *err);
static uint64_t access_of(unsigned uses);

int
confine_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

int
confine_landlock_enter(int abi, int root_fd,
    const struct confine_folder *folders, size_t n, struct err *err)
{
	struct ruleset ruleset = {.handled_fs = ACCESS_OF_VERSION_2};
	size_t size = sizeof(ruleset.handled_fs), i;
	int fd, rc = 0;

	if (abi >= 3)
		ruleset.handled_fs |= ACCESS_TRUNCATE;
	if (abi >= 5)
		ruleset.handled_fs |= ACCESS_IOCTL_DEV;
	if (abi >= 4) {
		ruleset.handled_net = NET_ALL;
		size += sizeof(ruleset.handled_net);
	}
	if (abi >= 6) {
		ruleset.scoped = SCOPE_ALL;
		size += sizeof(ruleset.scoped);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
	if (fd == -1)
		return err_sys(err, "make a Landlock ruleset");
	for (i = 0; i < n && rc == 0; i++)
		rc = add_folder(
		    fd, ruleset.handled_fs, root_fd, &folders[i], err);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		rc = err_sys(err, "restrict by Landlock");
	(void)close(fd);
	return rc;
}

static int
add_folder(int ruleset_fd, uint64_t handled, int root_fd,
    const struct confine_folder *folder, struct err *err)
{
	struct landlock_path_beneath_attr rule = {
	    .allowed_access = access_of(folder->uses) & handled};
	struct err local = {.class = ERR_NONE};
	long rc;

	if (folder->uses == 0)
		return 0; /* the call does not take such a rule */
	rule.parent_fd = fs_open(
	    root_fd, folder->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, &local);
	if (rule.parent_fd == -1 && local.sys == ENOENT)
		return 0;
	if (rule.parent_fd == -1) {
		*err = local;
		return -1;
	}
	rc = syscall(SYS_landlock_add_rule, ruleset_fd,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	if (rc == -1)
		(void)err_sys(err, "allow %s by Landlock", folder->path);
	(void)close(rule.parent_fd);
	return rc == -1 ? -1 : 0;
}

static uint64_t
access_of(unsigned uses)
{
	static const struct {
		unsigned use;
		uint64_t access;
	} table[] = {
	    {CONFINE_READ, LANDLOCK_ACCESS_FS_READ_FILE},
	    {CONFINE_LIST, LANDLOCK_ACCESS_FS_READ_DIR},
	    {CONFINE_WRITE, LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE},
	    {CONFINE_MAKE, LANDLOCK_ACCESS_FS_MAKE_REG},
	    {CONFINE_REMOVE, LANDLOCK_ACCESS_FS_REMOVE_FILE},
	    {CONFINE_MOVE, LANDLOCK_ACCESS_FS_REFER},
	};
	uint64_t access = 0;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((uses & table[i].use) != 0)
			access |= table[i].access;
	return access;
}
