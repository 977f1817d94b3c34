/*
 * What becomes of a connection, before anything is read from it: no peer gets
 * so much of the receiver that there is nothing left for others.
 */
#ifndef DCMSPOOL_RECEIVER_ADMISSION_H
#define DCMSPOOL_RECEIVER_ADMISSION_H

#include "children.h"
#include "pace.h"

#define ADMISSION_NEVER INT64_MAX
#define ADMISSION_INIT                                                         \
	{                                                                      \
		.due_ms = ADMISSION_NEVER                                      \
	}

struct admission {
	unsigned refused; /* not logged yet */
	int64_t due_ms;	  /* admission_turn then, monotonic */
	struct pace pace;
};

/* Whether it is served, or why it is rejected. */
enum child_mode admission_mode(const struct conf_receiver *receiver,
    const struct children *children, const char *peer);

/* Whether there is a process to be had for that, and the peer does not come too
 * often; where not, it is closed. */
bool admission_has_room(struct admission *admission,
    const struct conf_receiver *receiver, enum child_mode mode,
    const struct children *children, const char *peer);

/* A process of it has ended without an association. */
void admission_failed(struct admission *admission,
    const struct conf_receiver *receiver, const char *peer);

/* Logs that a connection was closed: the first at once, and those that follow
 * closely in one line, so that a flood of connections is none of lines. */
void admission_refuse(struct admission *admission, const char *peer);
void admission_turn(struct admission *admission);

#endif
