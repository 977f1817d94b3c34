/*
 * dcmspool-sender -n: would a start succeed?
 */
#ifndef DCMSPOOL_SENDER_TRIAL_H
#define DCMSPOOL_SENDER_TRIAL_H

#include "../spool/conf.h"

/* Prints what it finds. Returns the exit code. */
int trial_run(const struct conf *conf, const char *program);

#endif
