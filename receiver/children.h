/*
 * The parent's table of its children, and what it and they tell each other:
 * it owns the inotify descriptor for all that have none of their own, and
 * passes on that a marker came.
 */
#ifndef DCMSPOOL_RECEIVER_CHILDREN_H
#define DCMSPOOL_RECEIVER_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../spool/loop.h"
#include "child.h"

struct children;
struct ledger;

/* Opens inotify; where there is none that is logged, and the children look
 * by themselves. */
struct children *children_create(struct loop *loop, const struct spool *spool,
    struct ledger *ledger, struct err *err);
/* Closes every descriptor and frees; a forked child calls it, too. */
void children_free(struct children *children);

/* Takes over a process that was just forked, and the parent's end of its
 * socket pair. */
int children_add(struct children *children, pid_t pid, int fd,
    const struct child *child, struct err *err);

/* So many children, at most, watch their folder by themselves, which takes one
 * wake-up less: a user has few inotify instances, 128 by default. */
#define CHILDREN_WATCHING 32

/* How many serve; how many reject. */
size_t children_serving(const struct children *children);
size_t children_rejecting(const struct children *children);
/* The same of one peer. */
size_t children_of_peer(
    const struct children *children, const char *peer, bool serving);

/* One was reaped: false where it is not among them. What it left behind is
 * removed where it did not end by itself. failed: it died, or it became no
 * association of that peer. */
bool children_reaped(struct children *children, pid_t pid, int wait_status,
    char peer[ENVELOPE_PEER_SIZE], bool *failed);

void children_tell_stop(const struct children *children);
/* Ends those that serve, or those that reject. */
void children_kill(const struct children *children, bool serving);

#endif
