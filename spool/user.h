/*
 * Who a daemon runs as. Started as root it binds its port and reads its keys,
 * becomes User, and is root never again.
 */
#ifndef DCMSPOOL_USER_H
#define DCMSPOOL_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

#define USER_NAME_SIZE 64

struct user {
	char name[USER_NAME_SIZE]; /* "": whoever has started us stays */
	uid_t uid;
	gid_t gid;
	bool changes; /* we are root and have to become it */
};

/* ERR_CONFIG for a user that is not there, or that we cannot become. */
int user_find(const char *name, struct user *user, struct err *err);

/*
 * To be called before user_become: makes StorageLocation for the user where
 * it is not there, or is empty and root's. ERR_CONFIG where it is somebody
 * else's.
 */
int user_give_spool(
    const struct user *user, const char *location, struct err *err);

/*
 * Becomes the user, with its groups; in any case nobody may trace this process
 * from here on, it dumps no core, and what it executes gains nothing. Binding
 * to ports below 1024 stays possible until user_settle.
 */
int user_become(const struct user *user, struct err *err);

/* Gives that up, too, and makes sure that nothing brings root back: ERR_BUG
 * where something does. */
int user_settle(const struct user *user, struct err *err);

#endif
