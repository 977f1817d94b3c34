/*
 * What a process that talks to a peer may still do: system calls (seccomp),
 * files (Landlock), memory and descriptors. The tables are in confine_calls.c
 * and at the two callers; dcmspool-spool(5) tells the reasons.
 */
#ifndef DCMSPOOL_CONFINE_H
#define DCMSPOOL_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum confine_role {
	CONFINE_ASSOCIATION, /* a child of the receiver */
	CONFINE_LANE	     /* a lane of the sender */
};

/* Directories from this descriptor on cannot be listed: those that are open
 * already when a process is confined. */
#define CONFINE_UNLISTED_FD 256

/* What may be done beneath a folder, or'ed. */
enum confine_use {
	CONFINE_READ = 1,    /* files */
	CONFINE_LIST = 2,    /* open folders, for names and fsync */
	CONFINE_WRITE = 4,   /* files, those that are there included */
	CONFINE_MAKE = 8,    /* files: create, link or rename to there */
	CONFINE_REMOVE = 16, /* files: unlink, or rename from there */
	CONFINE_MOVE = 32    /* from or to another folder */
};

struct confine_folder {
	const char *path; /* of the spool */
	unsigned uses;
};

/* Made once, in the parent. */
struct confine;

/* What the kernel lacks is no error: confine_report. NULL and *err. */
struct confine *confine_create(enum confine_role role, struct err *err);
void confine_free(struct confine *confine);

/* One log line ("not-confined") for each thing that the kernel lacks. */
void confine_report(const struct confine *confine);

/* Out of the way of confine's limit: a descriptor of CONFINE_UNLISTED_FD or
 * above in place of *fd. */
int confine_raise_fd(int *fd, struct err *err);

/*
 * For good. Folders that are not there are left out. Where it fails the process
 * must not go on.
 */
int confine_enter(const struct confine *confine, int root_fd,
    const struct confine_folder *folders, size_t n, struct err *err);

#endif
