/*
 * What receivers and their children leave behind when they end. Only the
 * holder of the receiver's lock may call this.
 */
#ifndef DCMSPOOL_RECEIVER_RECOVER_H
#define DCMSPOOL_RECEIVER_RECOVER_H

#include "../spool/conf.h"
#include "../spool/spool.h"

/* Empties tmp/ and removes all folders of associations in result/. */
int recover_all(const struct spool *spool, struct err *err);

/* The same for one association, whose process is gone. */
int recover_association(
    const struct spool *spool, const char *association, struct err *err);

/* Replaces new/ of each destination where that is empty and large; while there
 * are no children, who would be confined to the old one. */
void recover_folders(const struct spool *spool, const struct conf *conf);

#endif
