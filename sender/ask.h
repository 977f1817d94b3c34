/*
 * dcmspool-sender --echo: would a destination take us? Asked as a lane asks,
 * and told to a person.
 */
#ifndef DCMSPOOL_ASK_H
#define DCMSPOOL_ASK_H

#include "../spool/conf.h"

/* Prints the answer on standard output. Returns the exit code; -1 and *err
 * where it could not be asked. */
int ask_destination(const struct conf *conf, const char *name, struct err *err);

#endif
