/*
 * Where in the configuration something is wrong, for the message about it.
 */
#ifndef DCMSPOOL_CONF_PLACE_H
#define DCMSPOOL_CONF_PLACE_H

#include "err.h"

struct conf_place {
	const char *file;
	unsigned line;	   /* 0 = of the whole file, reported as line 1 */
	const char *group; /* "" = top */
	int index;	   /* in a list of groups, from 0; -1 = no list */
	const char *key;   /* "" = the group itself */
};

/*
 * Fills *err: "FILE:LINE: GROUP[INDEX].KEY: " and the format, which says what
 * is wrong and what to write instead. Always returns -1.
 */
int conf_fail(const struct conf_place *place, struct err *err,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for want of memory. */
int conf_fail_memory(const struct conf_place *place, struct err *err);

#endif
