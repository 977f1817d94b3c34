/*
 * A confined process for tests: what becomes of one that tries something.
 */
#ifndef DCMSPOOL_TEST_CONFINED_H
#define DCMSPOOL_TEST_CONFINED_H

#include <stddef.h>

#include "../spool/confine.h"

enum test_fate {
	FATE_DONE,     /* it returned 0 or more */
	FATE_FAILED,   /* -1, and errno is not EPERM or EACCES */
	FATE_REFUSED,  /* -1 and EPERM or EACCES */
	FATE_KILLED,   /* by seccomp */
	FATE_REPORTED, /* a sanitizer said what it found */
	FATE_OTHER     /* it ended in another way */
};

struct test_confined {
	enum confine_role role;
	int root_fd; /* of folders */
	const struct confine_folder *folders;
	size_t folders_n;
	void (*before)(void); /* in the process, not confined yet; or NULL */
};

/* attempt runs in a process of its own; its stderr is not seen. */
enum test_fate test_confined_try(const struct test_confined *confined,
    long (*attempt)(const void *context), const void *context);

const char *test_fate_name(enum test_fate fate);

#endif
