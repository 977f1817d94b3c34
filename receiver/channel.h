/*
 * Words between the parent and a child of the receiver, over the socket pair
 * of process_fork. Each is one byte. None of them blocks the parent.
 */
#ifndef DCMSPOOL_RECEIVER_CHANNEL_H
#define DCMSPOOL_RECEIVER_CHANNEL_H

enum channel_word {
	CHANNEL_NONE = 0,
	/* child to parent: result/<association> is there, watch it */
	CHANNEL_WATCH = 'W',
	/* the answer: a name in it will be told, or will not */
	CHANNEL_WATCHED = 'A',
	CHANNEL_UNWATCHED = 'U',
	/* parent to child: a name came; the receiver stops. Hints: either may
	 * be lost where the child does not read, and then it has others to
	 * read. */
	CHANNEL_LOOK = 'L',
	CHANNEL_STOP = 'S',
	CHANNEL_GONE = -1 /* the other side is */
};

/* 0, or -1 where it was not sent. */
int channel_send(int fd, enum channel_word word);

/* What is there now; never waits. */
enum channel_word channel_receive(int fd);

#endif
