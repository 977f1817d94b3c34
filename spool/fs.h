/*
 * The only module with file system calls, so that a test can fail each of
 * them. Paths are relative to dirfd. Where a function says nothing else it
 * returns 0, or -1 and *err with verb, path and strerror.
 */
#ifndef DCMSPOOL_FS_H
#define DCMSPOOL_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "err.h"

/* Returns the descriptor, O_CLOEXEC; -1 and *err. flags as open(2). */
int fs_open(int dirfd, const char *path, int flags, struct err *err);
/* O_CREAT | O_EXCL, 0600. */
int fs_create(int dirfd, const char *path, struct err *err);
/* For appending; made with mode 0600 where it is not there. */
int fs_open_append(const char *path, struct err *err);
/* Opens a folder for *at() calls and fsync. */
int fs_open_dir(int dirfd, const char *path, struct err *err);
/* Closes *fd and sets it to -1; an error of close(2) is one of ours. */
int fs_close(int *fd, const char *path, struct err *err);

/* All of it, whatever write(2) takes at once. */
int fs_write(
    int fd, const void *data, size_t size, const char *path, struct err *err);
int fs_pwrite(int fd, const void *data, size_t size, off_t offset,
    const char *path, struct err *err);
/* Up to size; returns what was read (0 at the end) or -1. */
ssize_t fs_pread(int fd, void *data, size_t size, off_t offset,
    const char *path, struct err *err);
/* A whole small file, with a NUL behind it. Returns its length; -1 and *err,
 * also where it does not fit into size - 1. ENOENT is in err->sys. */
ssize_t fs_read_file(
    int dirfd, const char *path, char *data, size_t size, struct err *err);
int fs_mkdir(int dirfd, const char *path, struct err *err); /* 0700; there
							     * already is ok */
/* 1 removed, 0 was not there, -1 */
int fs_unlink(int dirfd, const char *path, struct err *err);
/*
 * Gives back the space of a file that has no name any more, though somebody
 * may still have it open. fd is open for writing.
 */
int fs_give_back(int fd, const char *path, struct err *err);
int fs_rmdir(int dirfd, const char *path, struct err *err);
/*
 * Never over an existing name (RENAME_NOREPLACE). 1 renamed, 0 the source is
 * not there, -1 and *err; err->sys is EEXIST where the target is there.
 */
int fs_rename(int dirfd, const char *from, const char *to, struct err *err);
/* Two names change their files, at one instant (RENAME_EXCHANGE). 1; 0 one of
 * them is not there; -1 */
int fs_exchange(int dirfd, const char *one, const char *two, struct err *err);
int fs_chmod(int dirfd, const char *path, mode_t mode, struct err *err);
/* err->sys is EEXIST where the target is there. */
int fs_link(int dirfd, const char *from, const char *to, struct err *err);
/* 1 and *st (not followed), 0 not there, -1 */
int fs_stat(int dirfd, const char *path, struct stat *st, struct err *err);

int fs_sync_fd(int fd, const char *path, struct err *err);
int fs_sync_dir(int dirfd, const char *path, struct err *err);

/*
 * Whether nobody has the file open for writing, asked with a read lease
 * (fcntl(2), F_SETLEASE) on a read-only fd: 1 nobody, 0 somebody, -1 where
 * this file system or user can have no lease (then look at its mtime).
 */
int fs_unwritten(int fd);

/* flock(2) on fd: 1 got it, 0 somebody else has it, -1. */
int fs_lock_exclusive(int fd, const char *path, struct err *err);
/* Whether somebody holds it, without keeping it: 1, 0, -1. */
int fs_lock_held(int fd, const char *path, struct err *err);

/* Space left for us on the file system of fd. */
int fs_free(int fd, int64_t *bytes, int64_t *inodes, struct err *err);
/* How full it is, as df(1) says it: 0 to 100. */
int fs_used_percent(int fd, int *percent, struct err *err);

/* fs_owner.c: of an open file or folder; path is for the message. */
int fs_chown(int fd, uid_t uid, gid_t gid, const char *path, struct err *err);

/* fs_folder.c */

/*
 * The names in a folder, one at a time: for who has other things to do in
 * between. Holds one descriptor, and memory for one block of names.
 */
struct fs_folder;
/* NULL and *err */
struct fs_folder *fs_folder_open(int dirfd, const char *path, struct err *err);
/* 1 and *file, which holds until the next call; 0 at the end; -1 */
int fs_folder_next(
    struct fs_folder *folder, const char **file, struct err *err);
/* Sets *folder to NULL, which it may be. */
void fs_folder_close(struct fs_folder **folder);
/*
 * Calls visit for each name but those that begin with a dot; stops when it
 * returns other than 0, and returns that. -1 and *err where the folder cannot
 * be read.
 */
int fs_scan(int dirfd, const char *path,
    int (*visit)(void *context, const char *file), void *context,
    struct err *err);
/* The name that a file has until it is whole, and is renamed to `path`. */
void fs_temporary_name(const char *path, char *out, size_t size);
/* Whether a name is one of those. */
bool fs_is_temporary(const char *file);
/* Removes those that were left behind by who was killed. */
int fs_remove_temporaries(int dirfd, const char *path, struct err *err);
/*
 * Puts the folder `fresh` in the place of one that is empty, at one instant:
 * rename(2) does that, and not where there is anything in it, so nothing is
 * lost to who puts something in just then. 1; 0 it is not empty, or one of
 * them is not there; -1
 */
int fs_replace_empty(
    int dirfd, const char *fresh, const char *path, struct err *err);
/* Removes a folder and the files in it; one that is not there is ok. */
int fs_remove_tree(int dirfd, const char *path, struct err *err);

/* fs_map.c */

int fs_stat_fd(int fd, const char *path, struct stat *st, struct err *err);
/* Maps the first `size` bytes, shared, to be read and written; fd -1: memory
 * of no file. */
int fs_map(
    int fd, size_t size, const char *path, void **memory, struct err *err);
void fs_unmap(void *memory, size_t size);
/* Puts an empty page in the place of the one around `at`: for a handler of
 * signals. 0 or -1. */
int fs_map_over(const void *at);
/* fs_access.c */

#define FS_USER_SIZE 64

/* Whether this user may look into a folder, and make and remove files in it. */
bool fs_may_change(int dirfd, const char *path);
/* The name of a user, or the number of one that has none. */
void fs_user_name(uid_t uid, char out[FS_USER_SIZE]);

#endif
