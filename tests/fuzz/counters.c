/*
 * A file of counters that somebody changed: it is read as ours or refused, a
 * daemon maps it or sets it aside, and counts on. The input is the time, by how
 * much the file's size is off, and patches of three bytes: where, and what.
 *
 * Errors: what does not hold aborts.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../spool/counters_private.h"
#include "../../spool/fs.h"
#include "fuzz.h"

#define HEAD_BYTES 10

static void put(const uint8_t *data, size_t size, int off);
static void check(struct spool *spool, int64_t now_us, bool was_ours);
static void tidy(const struct spool *spool, const char *location);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct counters_values values;
	static struct conf *conf;
	static struct spool spool;
	struct err err;
	int64_t now_us;
	int16_t off;
	int rc;

	if (size < HEAD_BYTES)
		return 0;
	if (conf == NULL)
		fuzz_world(1, &conf, &spool);
	memcpy(&now_us, data, sizeof(now_us));
	memcpy(&off, data + sizeof(now_us), sizeof(off));
	/* Where clocks may stand: from 1970 on, a thousand years. */
	now_us = (int64_t)((uint64_t)now_us % 31556952000000000U);
	put(data + HEAD_BYTES, size - HEAD_BYTES, off);
	rc = counters_read(spool.root_fd, NULL, now_us, &values, &err);
	FUZZ_CHECK(rc == 1 || (rc == -1 && err.class == ERR_CORRUPT));
	if (rc == 1)
		FUZZ_CHECK(off == 0);
	check(&spool, now_us, rc == 1);
	tidy(&spool, conf->storage_location);
	if (rc == 1)
		fuzz_reached();
	return 0;
}

static void
put(const uint8_t *data, size_t size, int off)
{
	static struct counters_file file;
	char path[256];
	size_t at, whole = sizeof(file);
	uint8_t *bytes;

	memset(&file, 0, sizeof(file));
	memcpy(file.header.magic, COUNTERS_MAGIC, sizeof(file.header.magic));
	file.header.byte_order = COUNTERS_BYTE_ORDER;
	file.header.size = sizeof(file);
	for (; size >= 3; data += 3, size -= 3) {
		at = (size_t)data[0] << 8 | data[1];
		((uint8_t *)&file)[at % sizeof(file)] = data[2];
	}
	if (off < 0)
		whole -= (size_t)-off < whole ? (size_t)-off : whole;
	else
		whole += (size_t)off;
	bytes = calloc(1, whole + 1);
	FUZZ_CHECK(bytes != NULL);
	memcpy(bytes, &file, whole < sizeof(file) ? whole : sizeof(file));
	(void)snprintf(path, sizeof(path), "%s/spool/counters", fuzz_folder());
	fuzz_write(path, bytes, whole);
	free(bytes);
}

/* As a daemon takes it. */
static void
check(struct spool *spool, int64_t now_us, bool was_ours)
{
	static struct counters_values before, after;
	struct counters_block *whole;
	struct counters *counters;
	struct err err;

	memset(&before, 0, sizeof(before));
	if (was_ours)
		FUZZ_CHECK(counters_read(spool->root_fd, NULL, now_us, &before,
			       &err) == 1);
	counters = counters_open(spool, &err);
	FUZZ_CHECK(counters != NULL);
	whole = counters_whole(counters);
	FUZZ_CHECK(!whole->is_lost);
	counters_received(whole, 7);
	counters_sent(whole, 7, 1000);
	counters_answered(whole, 0, 1000);
	counters_outcome(whole, COUNTERS_FAILED, -1, 1000);
	counters_queue(whole, 3);
	FUZZ_CHECK(
	    counters_read(spool->root_fd, NULL, now_us, &after, &err) == 1);
	FUZZ_CHECK(after.cell[COUNTERS_RECEIVED] ==
		   before.cell[COUNTERS_RECEIVED] + 1);
	FUZZ_CHECK(after.outcome[COUNTERS_FAILED][COUNTERS_NONE] ==
		   before.outcome[COUNTERS_FAILED][COUNTERS_NONE] + 1);
	counters_close(counters);
}

/* What was set aside. */
static void
tidy(const struct spool *spool, const char *location)
{
	struct dirent *entry;
	DIR *dir;

	dir = opendir(location);
	FUZZ_CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, "counters.", 9) == 0)
			FUZZ_CHECK(fs_unlink(spool->root_fd, entry->d_name,
				       NULL) == 1);
	(void)closedir(dir);
}
