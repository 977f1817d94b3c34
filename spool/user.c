/*
 * Who a daemon runs as.
 *
 * Errors: ERR_CONFIG for a User or a StorageLocation that does not fit;
 * ERR_BUG where root could be had again; else as the system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs.h"
#include "user.h"

static int own_folder(
    const struct user *user, const char *location, int fd, struct err *err);
static int is_empty(int fd, struct err *err);
static int count_entry(void *context, const char *file);
static int change(const struct user *user, struct err *err);
static int set_capabilities(unsigned capabilities, struct err *err);
static int harden(struct err *err);

int
user_find(const char *name, struct user *user, struct err *err)
{
	const struct passwd *entry;

	*user = (struct user){.uid = geteuid(), .gid = getegid()};
	if (name[0] == '\0')
		return 0;
	errno = 0;
	entry = strlen(name) < sizeof(user->name) ? getpwnam(name) : NULL;
	if (entry == NULL)
		return err_set(err, ERR_CONFIG,
		    "User: there is no user %.64s on this machine%s%s", name,
		    errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
	(void)strcpy(user->name, name);
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	if (user->uid == 0)
		return err_set(err, ERR_CONFIG,
		    "User: %s is root; write \"\" to stay who started it",
		    name);
	user->changes = geteuid() == 0;
	if (!user->changes && geteuid() != user->uid)
		return err_set(err, ERR_CONFIG,
		    "User: only root can become %s; start it as root or as "
		    "%s, or write \"\"",
		    name, name);
	return 0;
}

int
user_give_spool(const struct user *user, const char *location, struct err *err)
{
	int fd, rc;

	if (!user->changes)
		return 0;
	if (fs_mkdir(AT_FDCWD, location, err) == -1) {
		if (err->sys == ENOENT)
			err->class = ERR_CONFIG;
		return -1;
	}
	fd = fs_open(
	    AT_FDCWD, location, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, err);
	if (fd == -1 && err->sys == ENOTDIR)
		return 0; /* a link: whoever made it sees to the rest */
	if (fd == -1)
		return -1;
	rc = own_folder(user, location, fd, err);
	(void)fs_close(&fd, location, NULL);
	return rc;
}

int
user_become(const struct user *user, struct err *err)
{
	if (user->changes && change(user, err) == -1)
		return -1;
	return harden(err);
}

int
user_settle(const struct user *user, struct err *err)
{
	if (!user->changes)
		return 0;
	if (set_capabilities(0, err) == -1)
		return -1;
	if (setuid(0) != -1 || seteuid(0) != -1 || setgid(0) != -1 ||
	    setgroups(0, NULL) != -1 || getuid() != user->uid ||
	    geteuid() != user->uid || getgid() != user->gid)
		return err_set(
		    err, ERR_BUG, "become %s: root is still there", user->name);
	return 0;
}

static int
own_folder(
    const struct user *user, const char *location, int fd, struct err *err)
{
	struct stat st;
	int empty;

	if (fs_stat(fd, ".", &st, err) != 1)
		return -1;
	if (st.st_uid == user->uid)
		return 0;
	empty = st.st_uid == 0 ? is_empty(fd, err) : 0;
	if (empty == -1)
		return -1;
	if (empty == 0)
		return err_set(err, ERR_CONFIG,
		    "StorageLocation %s belongs to user %u, and User is %s: "
		    "stop both daemons, then chown -R %s %s",
		    location, (unsigned)st.st_uid, user->name, user->name,
		    location);
	if (fs_chown(fd, user->uid, user->gid, location, err) == -1)
		return -1;
	return fs_chmod(AT_FDCWD, location, 0700, err);
}

/* But for what a fresh file system brings along. */
static int
is_empty(int fd, struct err *err)
{
	int n = 0;

	if (fs_scan(fd, ".", count_entry, &n, err) == -1)
		return -1;
	return n == 0;
}

static int
count_entry(void *context, const char *file)
{
	int *n = context;

	*n += strcmp(file, "lost+found") != 0;
	return 0;
}

/* Groups first: it takes root to set them. */
static int
change(const struct user *user, struct err *err)
{
	if (initgroups(user->name, user->gid) == -1 ||
	    setresgid(user->gid, user->gid, user->gid) == -1 ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    setresuid(user->uid, user->uid, user->uid) == -1 ||
	    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == -1)
		return err_sys(err, "become user %s", user->name);
	return set_capabilities(1u << CAP_NET_BIND_SERVICE, err);
}

/* Permitted and effective, none inheritable; capset(2) has no other wrapper
 * than a library's. */
static int
set_capabilities(unsigned capabilities, struct err *err)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	    {.effective = capabilities, .permitted = capabilities}};

	if (syscall(SYS_capset, &header, data) == -1)
		return err_sys(err, "give up capabilities");
	return 0;
}

static int
harden(struct err *err)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return err_sys(err, "turn core dumps off");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "set no_new_privs");
#ifndef __SANITIZE_ADDRESS__ /* its leak checker traces this process */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return err_sys(err, "forbid tracing");
#endif
	return 0;
}
