/*
 * The parts of confine.c. Private to confine*.c.
 */
#ifndef DCMSPOOL_CONFINE_PRIVATE_H
#define DCMSPOOL_CONFINE_PRIVATE_H

#include <linux/filter.h>

#include "confine.h"

/* The filter of a role as a program, for free(3); 0, or -1 and *err. */
int confine_calls_compile(
    enum confine_role role, struct sock_fprog *program, struct err *err);

/* The version of Landlock's interface; 0: there is none. */
int confine_landlock_abi(void);

/* The folders, and nothing else of any file system. */
int confine_landlock_enter(int abi, int root_fd,
    const struct confine_folder *folders, size_t n, struct err *err);

#endif
