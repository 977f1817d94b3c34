/*
 * All paths of the spool.
 *
 * Errors: ERR_TEMPORARY from path_tmp where the kernel gives no random bytes;
 * else none: PATH_SIZE holds the longest path there is, and what would not fit
 * is cut, which no caller can cause with checked names.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "path.h"

static const char *const state_names[QUEUE_STATES] = {
    [QUEUE_NEW] = "new",
    [QUEUE_ACTIVE] = "active",
    [QUEUE_DEFERRED] = "deferred",
    [QUEUE_HOLD] = "hold",
    [QUEUE_FAILED] = "failed",
    [QUEUE_SENT] = "sent",
    [QUEUE_CORRUPT] = "corrupt",
};

const char *
queue_state_name(enum queue_state state)
{
	return state_names[state];
}

int
queue_state_parse(const char *word, enum queue_state *state)
{
	int i;

	for (i = 0; i < QUEUE_STATES; i++)
		if (strcmp(word, state_names[i]) == 0) {
			*state = (enum queue_state)i;
			return 1;
		}
	return 0;
}

void
path_association_format(
    int64_t real_us, int pid, char out[PATH_ASSOCIATION_SIZE])
{
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp_format(real_us, stamp);
	(void)snprintf(out, PATH_ASSOCIATION_SIZE, "%s-%d", stamp, pid);
}

bool
path_association_valid(const char *association)
{
	size_t size = strlen(association);

	return size > 0 && size < PATH_ASSOCIATION_SIZE &&
	       association[0] != '.' &&
	       strspn(association, "0123456789TZ.-") == size;
}

int
path_tmp(char out[PATH_SIZE], const char *association, struct err *err)
{
	uint64_t secret;

	if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return err_sys(err, "get random bytes");
	(void)snprintf(
	    out, PATH_SIZE, PATH_TMP "/%s.%016" PRIx64, association, secret);
	return 0;
}

void
path_destination(char out[PATH_SIZE], const char *dest)
{
	(void)snprintf(out, PATH_SIZE, PATH_QUEUE "/%s", dest);
}

void
path_state(char out[PATH_SIZE], const char *dest, enum queue_state state)
{
	(void)snprintf(
	    out, PATH_SIZE, PATH_QUEUE "/%s/%s", dest, state_names[state]);
}

void
path_item(char out[PATH_SIZE], const char *dest, enum queue_state state,
    const char *file)
{
	(void)snprintf(out, PATH_SIZE, PATH_QUEUE "/%s/%s/%s", dest,
	    state_names[state], file);
}

void
path_records(char out[PATH_SIZE], const char *dest)
{
	(void)snprintf(out, PATH_SIZE, PATH_QUEUE "/%s/result", dest);
}

void
path_record(char out[PATH_SIZE], const char *dest, const char *file)
{
	(void)snprintf(out, PATH_SIZE, PATH_QUEUE "/%s/result/%s", dest, file);
}

void
path_down(char out[PATH_SIZE], const char *dest)
{
	(void)snprintf(out, PATH_SIZE, PATH_QUEUE "/%s/down", dest);
}

void
path_paused(char out[PATH_SIZE], const char *dest)
{
	(void)snprintf(out, PATH_SIZE, PATH_QUEUE "/%s/paused", dest);
}

void
path_counters(char out[PATH_SIZE], const char *dest)
{
	(void)snprintf(out, PATH_SIZE, PATH_QUEUE "/%s/" PATH_COUNTERS, dest);
}

void
path_association(char out[PATH_SIZE], const char *association)
{
	(void)snprintf(out, PATH_SIZE, PATH_RESULT "/%s", association);
}

void
path_spare(char out[PATH_SIZE], const char *association)
{
	(void)snprintf(out, PATH_SIZE, PATH_RESULT "/%s-0", association);
}

void
path_marker(char out[PATH_SIZE], const char *association, const char *key,
    const char *dest)
{
	(void)snprintf(
	    out, PATH_SIZE, PATH_RESULT "/%s/%s.%s", association, key, dest);
}
