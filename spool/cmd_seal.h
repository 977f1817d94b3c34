/*
 * An edited item as a whole item again.
 */
#ifndef DCMSPOOL_CMD_SEAL_H
#define DCMSPOOL_CMD_SEAL_H

#include "cmd.h"
#include "item.h"

/*
 * Writes the file at `edited` to a new one below tmp/ (*sealed): with the
 * envelope that is given, its length and digest computed anew; without one
 * (NULL) as it is. *uid is its SOP Instance UID. On stable storage at 0;
 * -1 (ERR_CORRUPT) where it is no whole instance.
 */
int cmd_seal(const struct cmd *cmd, const char *edited,
    const struct envelope *envelope, char sealed[PATH_SIZE],
    char uid[NAME_UID_SIZE], struct err *err);

#endif
