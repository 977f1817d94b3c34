/*
 * What KeepSent and KeepFailed say: the only deletion that is not a delivery.
 * And records that have outlived their items.
 */
#ifndef DCMSPOOL_EXPIRE_H
#define DCMSPOOL_EXPIRE_H

#include <stdbool.h>
#include <stdint.h>

struct destination;

enum expire_step {
	EXPIRE_SENT,
	EXPIRE_FAILED,
	EXPIRE_STEPS
};

/*
 * For chores.c. Removes from sent/ and failed/ what has been there for longer,
 * by the time of its last change (st_ctime, which rename(2) sets), with its
 * record. Once a minute, oftener where something is kept for less.
 */
void expire_begin(struct destination *dest);
bool expire_step(struct destination *dest, unsigned step, int64_t until_us);
int64_t expire_pause_ms(const struct destination *dest);

/*
 * For scan.c: looks at one name in a destination's result/. Removes the record
 * of an item that is in no state any more (a crash came between the two
 * removals, or an operator took the item away), and one that an earlier sender
 * was writing.
 */
void expire_record(void *context, const char *file);

#endif
