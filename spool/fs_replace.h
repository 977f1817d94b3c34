/*
 * Whole small files: no reader ever sees one half-written.
 */
#ifndef DCMSPOOL_FS_REPLACE_H
#define DCMSPOOL_FS_REPLACE_H

#include "fs.h"
#include "path.h"

/*
 * Writes a whole file under a temporary name beside it, and renames it over
 * `path`. Two processes may do so for one path at the same time. sync: the file
 * is on stable storage before. 0, or -1 and *err.
 */
int fs_replace_file(int dirfd, const char *path, const char *data, size_t size,
    bool sync, struct err *err);

/* The same in two steps, where there is time before what it says is known. */
struct fs_replacement {
	int dirfd;
	int fd; /* of the temporary name */
	char path[PATH_SIZE];
	char temporary[PATH_SIZE + 24];
};

/* Makes the temporary name. 0; -1 and *err, err->sys is ENOENT where there is
 * no such folder. */
int fs_replace_begin(
    int dirfd, const char *path, struct fs_replacement *r, struct err *err);
/* Writes and renames. 0, or -1 and *err; either way it is over. */
int fs_replace_finish(struct fs_replacement *r, const char *data, size_t size,
    bool sync, struct err *err);
/* Or takes it away again. */
void fs_replace_cancel(struct fs_replacement *r);

#endif
