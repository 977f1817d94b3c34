/*
 * ext4 never shrinks a folder: one that has held a million names stays slow to
 * look through when it is empty. It is replaced by a fresh one.
 */
#ifndef DCMSPOOL_RENEW_H
#define DCMSPOOL_RENEW_H

#include "spool.h"

/*
 * Replaces the folder `path` of a destination where it is empty, and large. Who
 * is confined to the old one has no right to the new one: the receiver does it
 * with new/ while it has no children, the sender, whose lanes have the folder
 * above, with what it fills. Who has looked up the old one's name in that very
 * instant gets ENOENT, as where an operator removed it.
 * 1 it was replaced; 0; -1 and *err
 */
int renew_folder(const struct spool *spool, const char *dest, const char *path,
    struct err *err);

#endif
