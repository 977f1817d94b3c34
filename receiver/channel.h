/*
 * Words between the parent and a child of the receiver, over the socket pair
 * of process_fork. Each is one byte. None of them blocks the parent.
 */
#ifndef DCMSPOOL_RECEIVER_CHANNEL_H
#define DCMSPOOL_RECEIVER_CHANNEL_H

enum channel_word {
	CHANNEL_NONE = 0,
	/* child to parent: it needs result/<association> */
	CHANNEL_WATCH = 'W',
	/* the answer: it is there, and a name in it will be told, with an
	 * inotify descriptor or without; will not be told; it is gone */
	CHANNEL_WATCHED = 'A',
	CHANNEL_UNWATCHED = 'U',
	CHANNEL_NO_FOLDER = 'N',
	/* child to parent: the ledger was renamed away; the answer: it */
	CHANNEL_LEDGER = 'B',
	/* parent to child: a name came; the receiver stops. Hints: either may
	 * be lost where the child does not read, and then it has others to
	 * read. */
	CHANNEL_LOOK = 'L',
	CHANNEL_STOP = 'S',
	CHANNEL_GONE = -1 /* the other side is */
};

/* 0, or -1 where it was not sent. */
int channel_send(int fd, enum channel_word word);

/* The same, with a descriptor that stays the caller's. */
int channel_pass(int fd, enum channel_word word, int passed);

/* What is there now; never waits. */
enum channel_word channel_receive(int fd);
/* The same; *passed is the descriptor that came along, or -1. */
enum channel_word channel_receive_fd(int fd, int *passed);

#endif
