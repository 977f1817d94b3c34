/*
 * What takes long and may wait: scans (scan.h) and expiry (expire.h). Each
 * destination has one chore of each kind; between two waits for events the
 * parent gives them a few milliseconds in turn, so that a folder of a million
 * names keeps nobody waiting.
 */
#ifndef DCMSPOOL_CHORES_H
#define DCMSPOOL_CHORES_H

#include <stdbool.h>
#include <stdint.h>

struct destination;
struct fs_folder;
struct sender;

enum chore_kind {
	CHORE_SCAN,
	CHORE_EXPIRY,
	CHORES
};

struct chore {
	bool running;
	bool wanted;		  /* at once, and again where it runs */
	unsigned step;		  /* of its kind */
	struct fs_folder *folder; /* that is being read, or NULL */
	int64_t used_us;	  /* so far */
	int64_t next_ms;	  /* monotonic: when it is due again */
};

/* As soon as there is time for it; what runs begins anew at its end. */
void chores_want(struct destination *dest, enum chore_kind kind);
/* Gives what is due its next few milliseconds. */
void chores_turn(struct sender *sender);
/* When chores_turn has to be called for it: monotonic milliseconds. */
int64_t chores_due_ms(const struct destination *dest);
/* Closes what is being read: for a destination that goes, and for forked
 * children. */
void chores_close(struct destination *dest);

/*
 * For the chores. Reads on in the folder `path`, and calls visit with each
 * name, those with a dot in front included, until all have been read or it is
 * until_us (monotonic). true: all have been; what cannot be read is logged, and
 * counts as read.
 */
bool chores_read(struct destination *dest, enum chore_kind kind,
    const char *path, void (*visit)(void *context, const char *file),
    void *context, int64_t until_us);

#endif
