/*
 * Counters, read by who does not count.
 *
 * Errors: as fs.c; ERR_CORRUPT for a file that is not ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "counters_private.h"
#include "fs.h"

#define US_PER_S     1000000
#define S_PER_MINUTE 60
#define TAG_SHIFT    32

#define MS 1000
#define S  US_PER_S

const int64_t counters_bounds_us[COUNTERS_BOUNDS] = {1 * MS, 2500, 5 * MS,
    10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S, 2500 * MS,
    5 * S, 10 * S, 30 * S, 60 * S, 300 * S, 1800LL * S, 3600LL * S, 14400LL * S,
    86400LL * S};

static void take(const struct counters_file *file, int64_t now_us,
    struct counters_values *values);
static void take_minutes(const struct counters_file *file, int64_t now_us,
    struct counters_values *values);
static bool take_tagged(
    const counters_tagged *at, int64_t tag, uint32_t *count);
static uint32_t last_minute(
    const counters_tagged seconds[COUNTERS_SECONDS], int64_t now_us);

const char *
counters_outcome_name(enum counters_outcome outcome)
{
	switch (outcome) {
	case COUNTERS_DELIVERED:
		return "delivered";
	case COUNTERS_DEFERRED:
		return "deferred";
	case COUNTERS_FAILED:
		return "failed";
	case COUNTERS_CORRUPT:
	case COUNTERS_OUTCOMES:
		break;
	}
	return "corrupt";
}

const char *
counters_class_name(enum counters_class which)
{
	switch (which) {
	case COUNTERS_SUCCESS:
		return "success";
	case COUNTERS_WARNING:
		return "warning";
	case COUNTERS_TRANSIENT:
		return "transient";
	case COUNTERS_PERMANENT:
		return "permanent";
	case COUNTERS_NONE:
	case COUNTERS_CLASSES:
		break;
	}
	return "none";
}

const char *
counters_act_name(enum counters_act act)
{
	static const char *const names[COUNTERS_ACTS] = {
	    [COUNTERS_ACT_RETRY] = "retry",
	    [COUNTERS_ACT_HOLD] = "hold",
	    [COUNTERS_ACT_RELEASE] = "release",
	    [COUNTERS_ACT_FAIL] = "fail",
	    [COUNTERS_ACT_REMOVE] = "remove",
	    [COUNTERS_ACT_MOVE] = "move",
	    [COUNTERS_ACT_COPY] = "copy",
	    [COUNTERS_ACT_EDIT] = "edit",
	    [COUNTERS_ACT_EXPORT] = "export",
	    [COUNTERS_ACT_IMPORT] = "import",
	    [COUNTERS_ACT_PAUSE] = "pause",
	    [COUNTERS_ACT_RESUME] = "resume",
	    [COUNTERS_ACT_FLUSH] = "flush",
	    [COUNTERS_ACT_REPAIR] = "repair",
	    [COUNTERS_ACT_EXPIRE] = "expire",
	};

	return names[act];
}

enum counters_class
counters_class_of(int status)
{
	if (status < 0)
		return COUNTERS_NONE;
	switch (status) {
	case 0x0000:
		return COUNTERS_SUCCESS;
	case 0x0001: /* requested optional attributes not supported */
	case 0x0107: /* attribute list error */
	case 0x0116: /* attribute value out of range */
		return COUNTERS_WARNING;
	case 0x0110: /* processing failure */
	case 0x0210: /* duplicate invocation */
	case 0x0213: /* resource limitation */
		return COUNTERS_TRANSIENT;
	default:
		break;
	}
	if ((status & 0xF000) == 0xB000)
		return COUNTERS_WARNING;
	if ((status & 0xFF00) == 0xA700)
		return COUNTERS_TRANSIENT;
	return COUNTERS_PERMANENT;
}

int
counters_read(int root_fd, const char *dest, int64_t now_us,
    struct counters_values *values, struct err *err)
{
	struct err local = {.class = ERR_NONE};
	struct counters_file *file;
	char path[PATH_SIZE];
	struct stat st = {.st_size = 0};
	ssize_t got = -1;
	int fd, rc = -1;

	counters_path(path, dest == NULL ? "" : dest);
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return err_sys(err, "read %s", path);
	fd = fs_open(root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &local);
	if (fd == -1 && local.sys == ENOENT) {
		rc = 0;
		take(file, now_us, values);
		goto out;
	}
	if (fd != -1 && fs_stat(root_fd, path, &st, &local) == 1)
		got = fs_pread(fd, file, sizeof(*file), 0, path, &local);
	if (got == -1) {
		if (err != NULL)
			*err = local;
	} else if (got != (ssize_t)sizeof(*file) ||
		   !counters_header_valid(
		       &file->header, st.st_size, dest == NULL ? "" : dest)) {
		(void)err_set(err, ERR_CORRUPT,
		    "%s does not hold counters of this version", path);
	} else {
		take(file, now_us, values);
		rc = 1;
	}
out:
	(void)fs_close(&fd, path, NULL);
	free(file);
	return rc;
}

static void
take(const struct counters_file *file, int64_t now_us,
    struct counters_values *values)
{
	size_t i, k;

	for (i = 0; i < COUNTERS_CELLS; i++)
		values->cell[i] = file->cell[i];
	for (i = 0; i < COUNTERS_OUTCOMES; i++)
		for (k = 0; k < COUNTERS_CLASSES; k++)
			values->outcome[i][k] = file->outcome[i][k];
	for (k = 0; k < COUNTERS_CLASSES; k++)
		values->answered[k] = file->answered[k];
	for (k = 0; k < COUNTERS_ACTS; k++)
		values->act[k] = file->act[k];
	for (i = 0; i < COUNTERS_HISTOGRAMS; i++) {
		for (k = 0; k <= COUNTERS_BOUNDS; k++)
			values->histogram[i].bucket[k] =
			    file->histogram[i].bucket[k];
		values->histogram[i].sum_us = file->histogram[i].sum_us;
	}
	take_minutes(file, now_us, values);
	values->received_60s =
	    last_minute(file->seconds[COUNTERS_SERIES_RECEIVED], now_us);
	values->delivered_60s =
	    last_minute(file->seconds[COUNTERS_SERIES_DELIVERED], now_us);
	values->failed_60s =
	    last_minute(file->seconds[COUNTERS_SERIES_FAILED], now_us);
}

static void
take_minutes(const struct counters_file *file, int64_t now_us,
    struct counters_values *values)
{
	int64_t minute =
	    now_us / US_PER_S / S_PER_MINUTE - (COUNTERS_MINUTES - 1);
	struct counters_minute *m;
	size_t i, slot;

	for (i = 0; i < COUNTERS_MINUTES; i++, minute++) {
		m = &values->minutes[i];
		*m = (struct counters_minute){.minute = minute};
		if (minute < 0)
			continue; /* a clock that was never set */
		slot = (size_t)(minute % COUNTERS_MINUTES);
		(void)take_tagged(
		    &file->minutes[COUNTERS_SERIES_RECEIVED][slot], minute,
		    &m->received);
		(void)take_tagged(
		    &file->minutes[COUNTERS_SERIES_DELIVERED][slot], minute,
		    &m->delivered);
		(void)take_tagged(&file->minutes[COUNTERS_SERIES_FAILED][slot],
		    minute, &m->failed);
		m->queue_known =
		    take_tagged(&file->minutes[COUNTERS_SERIES_QUEUE][slot],
			minute, &m->queue);
	}
}

static bool
take_tagged(const counters_tagged *at, int64_t tag, uint32_t *count)
{
	uint64_t value = *at;

	if (value >> TAG_SHIFT != (uint32_t)tag)
		return false;
	*count = (uint32_t)value;
	return true;
}

static uint32_t
last_minute(const counters_tagged seconds[COUNTERS_SECONDS], int64_t now_us)
{
	int64_t now_s = now_us / US_PER_S, s;
	uint32_t sum = 0, count;

	for (s = now_s - S_PER_MINUTE + 1; s <= now_s; s++)
		if (s >= 0 &&
		    take_tagged(&seconds[s % COUNTERS_SECONDS], s, &count))
			sum += count;
	return sum;
}
