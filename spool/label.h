/*
 * What an item is called in log, ledger and report: its name, where that is one
 * of ours. Any other name is somebody's, and may tell who the patient is: there
 * it is "inode=N", the number that stays with a file through all renames, and
 * that `ls -i` and `find -inum` know. 0 where no file is there.
 */
#ifndef DCMSPOOL_LABEL_H
#define DCMSPOOL_LABEL_H

#include <stddef.h>

#include "path.h"

#define LABEL_SIZE NAME_ITEM_SIZE

/* Look at the file before it is moved or removed. "" for "". */
void label_item(int root_fd, const char *dest, enum queue_state state,
    const char *file, char label[LABEL_SIZE]);
/* The same of a file that is, or will be, called `file`, and is at path. */
void label_path(
    int root_fd, const char *path, const char *file, char label[LABEL_SIZE]);

/* Puts the label for each `file` in a text (of err.h or result.h) that is in
 * `size` bytes, also for one that was cut off at its end. */
void label_text(char *text, size_t size, const char *file, const char *label);

#endif
