/*
 * All paths of the spool.
 *
 * Errors: ERR_TEMPORARY from path_tmp where the kernel gives no random bytes;
 * else none: PATH_SIZE holds the longest path there is, and what would not fit
 * is cut, which no caller can cause with checked names.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "path.h"
#include "text.h"

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
	char stamp[CLOCK_STAMP_SIZE], number[TEXT_INT_SIZE];

	clock_stamp_format(real_us, stamp);
	text_int(pid, number);
	text_join(out, PATH_ASSOCIATION_SIZE, stamp, "-", number, NULL);
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
	uint8_t secret[8];
	char hex[2 * sizeof(secret) + 1];

	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return err_sys(err, "get random bytes");
	text_hex(secret, sizeof(secret), hex);
	text_join(out, PATH_SIZE, PATH_TMP "/", association, ".", hex, NULL);
	return 0;
}

void
path_destination(char out[PATH_SIZE], const char *dest)
{
	text_join(out, PATH_SIZE, PATH_QUEUE "/", dest, NULL);
}

void
path_state(char out[PATH_SIZE], const char *dest, enum queue_state state)
{
	text_join(out, PATH_SIZE, PATH_QUEUE "/", dest, "/", state_names[state],
	    NULL);
}

void
path_item(char out[PATH_SIZE], const char *dest, enum queue_state state,
    const char *file)
{
	text_join(out, PATH_SIZE, PATH_QUEUE "/", dest, "/", state_names[state],
	    "/", file, NULL);
}

void
path_records(char out[PATH_SIZE], const char *dest)
{
	text_join(out, PATH_SIZE, PATH_QUEUE "/", dest, "/result", NULL);
}

void
path_record(char out[PATH_SIZE], const char *dest, const char *file)
{
	text_join(out, PATH_SIZE, PATH_QUEUE "/", dest, "/result/", file, NULL);
}

void
path_down(char out[PATH_SIZE], const char *dest)
{
	text_join(out, PATH_SIZE, PATH_QUEUE "/", dest, "/down", NULL);
}

void
path_paused(char out[PATH_SIZE], const char *dest)
{
	text_join(out, PATH_SIZE, PATH_QUEUE "/", dest, "/paused", NULL);
}

void
path_counters(char out[PATH_SIZE], const char *dest)
{
	text_join(
	    out, PATH_SIZE, PATH_QUEUE "/", dest, "/" PATH_COUNTERS, NULL);
}

void
path_association(char out[PATH_SIZE], const char *association)
{
	text_join(out, PATH_SIZE, PATH_RESULT "/", association, NULL);
}

void
path_spare(char out[PATH_SIZE], const char *association)
{
	text_join(out, PATH_SIZE, PATH_RESULT "/", association, "-0", NULL);
}

void
path_marker(char out[PATH_SIZE], const char *association, const char *key,
    const char *dest)
{
	text_join(out, PATH_SIZE, PATH_RESULT "/", association, "/", key, ".",
	    dest, NULL);
}
