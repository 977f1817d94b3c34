/*
 * -n of the daemons: what would hinder a start.
 *
 * Errors: none; they are what is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "clock.h"
#include "fs.h"
#include "preflight.h"
#include "user.h"

#define ADVICE_SIZE 1024
#define US_PER_S    1000000
#define S_PER_DAY   86400

static void check_secret(const struct preflight *p, const char *place,
    const char *key, const char *path);
static void check_end(
    struct preflight *p, const char *place, const char *path, int64_t end_s);
static void check_parent(struct preflight *p);
static void check_open(struct preflight *p, int fd, enum spool_side side);
static void check_folders(struct preflight *p, const struct spool *spool);
static bool check_folder(
    struct preflight *p, const struct spool *spool, const char *path);
static bool become_user(struct preflight *p);
static void check_owner(const struct preflight *p, const struct stat *st);
static void check_space(const struct preflight *p, int fd);
static int refuse_entry(void *context, const char *file);
static void not_allowed(struct preflight *p, const char *path, uid_t owner);

void
preflight_problem(
    struct preflight *p, const struct err *err, const char *format, ...)
{
	char to_do[ADVICE_SIZE];
	va_list args;

	if (p->exit_code == 0)
		p->exit_code = err_exit_code(err);
	va_start(args, format);
	(void)vsnprintf(to_do, sizeof(to_do), format, args);
	va_end(args);
	(void)fprintf(stderr, "%s: %s%s%s\n", p->program, err->text,
	    to_do[0] != '\0' ? ": " : "", to_do);
}

void
preflight_note(const struct preflight *p, const char *format, ...)
{
	va_list args;

	(void)printf("%s: note: ", p->program);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)putchar('\n');
}

void
preflight_spool(struct preflight *p, enum spool_side side)
{
	const char *location = p->conf->storage_location;
	struct err err = {.class = ERR_NONE};
	int fd;

	if (!become_user(p))
		return;
	fd = fs_open_dir(AT_FDCWD, location, &err);
	if (fd != -1) {
		check_open(p, fd, side);
		(void)fs_close(&fd, location, NULL);
	} else if (err.sys == ENOENT) {
		check_parent(p);
	} else if (err.sys == ENOTDIR) {
		(void)err_set(&err, ERR_CONFIG,
		    "StorageLocation %s is a file, not a folder", location);
		preflight_problem(p, &err,
		    "write the path of a folder in StorageLocation of %s",
		    p->conf->path);
	} else if (err.sys == EACCES) {
		not_allowed(p, location, (uid_t)-1);
	} else {
		preflight_problem(
		    p, &err, "this is StorageLocation of %s", p->conf->path);
	}
}

void
preflight_tls(struct preflight *p, const char *place,
    const struct conf_tls *conf, int64_t end_s)
{
	check_secret(p, place, "PrivateKey", conf->private_key);
	check_secret(p, place, "PassphraseFile", conf->passphrase_file);
	check_end(p, place, conf->certificate, end_s);
}

/* A group may read it where somebody has chosen so. */
static void
check_secret(const struct preflight *p, const char *place, const char *key,
    const char *path)
{
	struct stat st;
	int fd;

	if (path[0] == '\0')
		return;
	fd = fs_open(AT_FDCWD, path, O_PATH, NULL); /* it may be a link */
	if (fd != -1 && fs_stat_fd(fd, path, &st, NULL) == 0 &&
	    (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		preflight_note(p,
		    "%s.%s %s is open to every user of this machine: chmod o= "
		    "%s",
		    place, key, path, path);
	(void)fs_close(&fd, path, NULL);
}

static void
check_end(
    struct preflight *p, const char *place, const char *path, int64_t end_s)
{
	int64_t left_s = end_s - clock_real_us() / US_PER_S;
	struct err err;

	if (left_s >= (int64_t)CERTIFICATE_WARN_DAYS * S_PER_DAY)
		return;
	if (left_s >= 0) {
		preflight_note(p,
		    "%s.Certificate %s ends in %" PRId64
		    " days: have a new one issued",
		    place, path, left_s / S_PER_DAY);
		return;
	}
	(void)err_set(&err, ERR_CONFIG,
	    "%s.Certificate %s has ended %" PRId64
	    " days ago, and peers refuse it",
	    place, path, -left_s / S_PER_DAY);
	preflight_problem(p, &err, "put a new one there");
}

/* It is made at the first start, if that may. */
static void
check_parent(struct preflight *p)
{
	const char *location = p->conf->storage_location, *slash;
	char parent[PATH_SIZE], user[FS_USER_SIZE];
	struct err err;

	slash = strrchr(location, '/');
	(void)snprintf(parent, sizeof(parent), "%.*s",
	    slash == NULL || slash == location ? 1 : (int)(slash - location),
	    slash == NULL ? "." : location);
	fs_user_name(geteuid(), user);
	if (fs_may_change(AT_FDCWD, parent)) {
		preflight_note(p,
		    "StorageLocation %s does not exist, and is made at the "
		    "first start",
		    location);
		return;
	}
	(void)err_set(&err, ERR_PERMANENT,
	    "StorageLocation %s does not exist, and user %s cannot make it in "
	    "%s",
	    location, user, parent);
	preflight_problem(p, &err,
	    "as root: install -d -m 0700 -o USER %s, with the user that the "
	    "daemons run as, or write another StorageLocation in %s",
	    location, p->conf->path);
}

static void
check_open(struct preflight *p, int fd, enum spool_side side)
{
	const char *lock = side == SPOOL_SENDER ? PATH_QUEUE : PATH_RESULT;
	struct spool spool;
	struct err err = {.class = ERR_NONE};
	struct stat st;
	int lock_fd;

	if (fs_stat(fd, ".", &st, &err) == 1)
		check_owner(p, &st);
	check_space(p, fd);
	if (!fs_may_change(fd, ".")) {
		not_allowed(p, p->conf->storage_location, st.st_uid);
		return;
	}
	if (fs_scan(fd, ".", refuse_entry, NULL, &err) == 0)
		return; /* nothing in it yet */
	if (spool_open(p->conf->storage_location, false, &spool, &err) == -1) {
		preflight_problem(p, &err,
		    "write another StorageLocation in %s, one that does not "
		    "exist yet or is empty",
		    p->conf->path);
		return;
	}
	check_folders(p, &spool);
	lock_fd = fs_open_dir(spool.root_fd, lock, &err);
	p->runs = lock_fd != -1 && fs_lock_held(lock_fd, lock, &err) == 1;
	(void)fs_close(&lock_fd, lock, NULL);
	if (p->runs)
		preflight_note(p,
		    "a %s runs on this spool already; a second one would give "
		    "up after 10 s",
		    side == SPOOL_SENDER ? "sender" : "receiver");
	spool_close(&spool);
}

static void
check_folders(struct preflight *p, const struct spool *spool)
{
	static const char *const top[] = {PATH_TMP, PATH_QUEUE, PATH_RESULT};
	char path[PATH_SIZE];
	size_t i;
	int state;

	for (i = 0; i < sizeof(top) / sizeof(top[0]); i++)
		if (!check_folder(p, spool, top[i]))
			return;
	for (i = 0; i < p->conf->destinations_n; i++) {
		for (state = 0; state < QUEUE_STATES; state++) {
			path_state(path, p->conf->destinations[i].name,
			    (enum queue_state)state);
			if (!check_folder(p, spool, path))
				return;
		}
		path_records(path, p->conf->destinations[i].name);
		if (!check_folder(p, spool, path))
			return;
	}
}

/* One that is not there is made. false: enough has been said. */
static bool
check_folder(struct preflight *p, const struct spool *spool, const char *path)
{
	char whole[2 * PATH_SIZE];
	struct stat st;

	if (fs_stat(spool->root_fd, path, &st, NULL) != 1 ||
	    fs_may_change(spool->root_fd, path))
		return true;
	(void)snprintf(whole, sizeof(whole), "%s/%s", spool->location, path);
	not_allowed(p, whole, st.st_uid);
	return false;
}

/* Not where root will make the spool, or give it to the user: then it stays
 * root. false: enough has been said. */
static bool
become_user(struct preflight *p)
{
	const char *location = p->conf->storage_location;
	struct user user;
	struct err err;
	struct stat st;
	int there;

	if (user_find(p->conf->user, &user, &err) == -1) {
		preflight_problem(p, &err, "that is in %s", p->conf->path);
		return false;
	}
	if (!user.changes)
		return true;
	there = fs_stat(AT_FDCWD, location, &st, NULL);
	if (there == 0 ||
	    (there == 1 && st.st_uid == 0 &&
		fs_scan(AT_FDCWD, location, refuse_entry, NULL, NULL) == 0))
		return true;
	if (user_become(&user, &err) == 0 && user_settle(&user, &err) == 0)
		return true;
	preflight_problem(p, &err, "that is User of %s", p->conf->path);
	return false;
}

/* What root makes there, the spool's owner can neither send nor remove. */
static void
check_owner(const struct preflight *p, const struct stat *st)
{
	char owner[FS_USER_SIZE];

	if (geteuid() != 0 || st->st_uid == 0)
		return;
	fs_user_name(st->st_uid, owner);
	preflight_note(p,
	    "%s belongs to user %s, and what root makes there this user can "
	    "neither send nor remove: write User = \"%s\"; in %s, or start it "
	    "as that user",
	    p->conf->storage_location, owner, owner, p->conf->path);
}

static void
check_space(const struct preflight *p, int fd)
{
	int64_t bytes, inodes;

	if (fs_free(fd, &bytes, &inodes, NULL) == -1)
		return;
	if (bytes < p->conf->min_free_bytes)
		preflight_note(p,
		    "%" PRId64
		    " bytes are free, less than MinFreeBytes (%" PRId64
		    "): nothing is accepted; make room, or write less in %s",
		    bytes, p->conf->min_free_bytes, p->conf->path);
	if (inodes < p->conf->min_free_inodes)
		preflight_note(p,
		    "%" PRId64
		    " inodes are free, less than MinFreeInodes (%" PRId64
		    "): nothing is accepted; make room, or write less in %s",
		    inodes, p->conf->min_free_inodes, p->conf->path);
}

static int
refuse_entry(void *context, const char *file)
{
	(void)context;
	(void)file;
	return 1;
}

static void
not_allowed(struct preflight *p, const char *path, uid_t owner)
{
	char user[FS_USER_SIZE], whose[FS_USER_SIZE] = "another user";
	struct err err;

	fs_user_name(geteuid(), user);
	if (owner != (uid_t)-1)
		fs_user_name(owner, whose);
	(void)err_set(&err, ERR_PERMANENT,
	    "user %s may not write to %s, which belongs to %s", user, path,
	    whose);
	preflight_problem(p, &err,
	    "run as the user that the spool belongs to, or, as root: chown -R "
	    "%s %s",
	    user, p->conf->storage_location);
}
