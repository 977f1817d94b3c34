/*
 * Every path below StorageLocation comes from here. All are relative to it;
 * out is always terminated. No string from the network gets in: destinations
 * are names from the configuration, associations and item names are ours or
 * what readdir(3) gave, and the callers have checked the UIDs.
 */
#ifndef DCMSPOOL_PATH_H
#define DCMSPOOL_PATH_H

#include "err.h"
#include "name.h"

#define PATH_SIZE	      512
#define PATH_ASSOCIATION_SIZE 40 /* "<stamp>-<pid>" */

enum queue_state {
	QUEUE_NEW,
	QUEUE_ACTIVE,
	QUEUE_DEFERRED,
	QUEUE_HOLD,
	QUEUE_FAILED,
	QUEUE_SENT,
	QUEUE_CORRUPT,
	QUEUE_STATES /* how many */
};

const char *queue_state_name(enum queue_state state);

/* The folder's name -> its state: 1, or 0 for another word. */
int queue_state_parse(const char *word, enum queue_state *state);

/* An association's identity: made of digits, T, Z, '.', '-' only. */
void path_association_format(
    int64_t real_us, int pid, char out[PATH_ASSOCIATION_SIZE]);
bool path_association_valid(const char *association);

#define PATH_VERSION  "version"
#define PATH_TMP      "tmp"
#define PATH_QUEUE    "queue"
#define PATH_RESULT   "result"
#define PATH_COUNTERS "counters"

/* A name that no other process can guess: whoever takes over one can write in
 * tmp/, but not list it. 0, or -1 and *err. */
int path_tmp(char out[PATH_SIZE], const char *association, struct err *err);
void path_destination(char out[PATH_SIZE], const char *dest);
void path_state(char out[PATH_SIZE], const char *dest, enum queue_state state);
void path_item(char out[PATH_SIZE], const char *dest, enum queue_state state,
    const char *file);
/* queue/<dest>/result, and the record of one item in it */
void path_records(char out[PATH_SIZE], const char *dest);
void path_record(char out[PATH_SIZE], const char *dest, const char *file);
void path_down(char out[PATH_SIZE], const char *dest);
void path_paused(char out[PATH_SIZE], const char *dest);
void path_counters(char out[PATH_SIZE], const char *dest);
/* result/<association>, and a marker in it */
void path_association(char out[PATH_SIZE], const char *association);
/* Its folder while nobody waits: a name of an association, too. */
void path_spare(char out[PATH_SIZE], const char *association);
void path_marker(char out[PATH_SIZE], const char *association, const char *key,
    const char *dest);

#endif
