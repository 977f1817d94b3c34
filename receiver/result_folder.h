/*
 * result/<association>, where the sender puts the markers that a child waits
 * for, and the hints that one came.
 */
#ifndef DCMSPOOL_RECEIVER_RESULT_FOLDER_H
#define DCMSPOOL_RECEIVER_RESULT_FOLDER_H

#include <stdbool.h>

#include "../spool/err.h"
#include "child.h"

/*
 * Has the parent make it and watch it. Before the first item is published that
 * is waited for; twice is free.
 */
int result_folder_prepare(struct child *child, struct err *err);

/* Takes the hints of parent and kernel: whether one of them was to look. */
bool result_folder_hints(struct child *child);

/* Removes all markers: nothing is waited for, so they came late. */
void result_folder_empty(const struct child *child);

#endif
