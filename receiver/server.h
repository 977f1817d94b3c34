/*
 * The receiver's parent: it listens, forks a child for each connection, and
 * outlives them.
 */
#ifndef DCMSPOOL_RECEIVER_SERVER_H
#define DCMSPOOL_RECEIVER_SERVER_H

#include "../spool/conf.h"
#include "../spool/spool.h"
#include "../spool/tls_dcmtk.h"
#include "../spool/user.h"
#include "child.h"
#include "shared.h"

struct server_settings {
	struct conf *conf; /* the server's from here on */
	const struct spool *spool;
	struct shared *shared;
	const struct user *user; /* become, but for its ports */
	struct tls *tls;	 /* prepare_keys; the server's */
	int signal_fd;		 /* process_open_signals */
	child_run serve;	 /* what a child does, and its end */
};

/* Serves until SIGTERM or SIGINT: 0; -1 where it cannot begin, or go on. */
int server_run(const struct server_settings *settings, struct err *err);

#endif
