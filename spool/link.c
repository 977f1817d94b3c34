/*
 * The link record, queue/<dest>/down.
 *
 * Errors: as fs.c; ERR_CORRUPT for a text that is none.
 */
#include <errno.h>
#include <string.h>

#include "fs.h"
#include "fs_replace.h"
#include "link.h"
#include "path.h"
#include "record.h"

#define LINK_SIZE 1024

static int unpack_line(const struct record_line *line, struct link_down *d);

int
link_write_down(
    int root_fd, const char *dest, const struct link_down *d, struct err *err)
{
	char text[LINK_SIZE], path[PATH_SIZE];
	struct record_writer w;

	record_begin(&w, text, sizeof(text), LINK_MAGIC);
	record_add_time(&w, "Since", d->since_us);
	record_add_int(&w, "Since-Monotonic", d->since_mono_ms);
	record_add(&w, "Boot-Id", d->boot_id);
	record_add(&w, "Reason", d->reason);
	record_add_int(&w, "Probes", d->probes);
	record_add_time(&w, "Next-Probe", d->next_probe_us);
	if (w.full)
		return err_set(err, ERR_BUG, "link record too long");
	path_down(path, dest);
	return fs_replace_file(root_fd, path, text, w.used, false, err);
}

int
link_read_down(
    int root_fd, const char *dest, struct link_down *d, struct err *err)
{
	char text[LINK_SIZE], path[PATH_SIZE];
	struct err local = {.class = ERR_NONE};
	struct record_line line;
	size_t cursor;
	ssize_t size;
	int more;

	path_down(path, dest);
	size = fs_read_file(root_fd, path, text, sizeof(text), &local);
	if (size == -1 && local.sys == ENOENT)
		return 0;
	if (size == -1) {
		if (err != NULL)
			*err = local;
		return -1;
	}
	*d = (struct link_down){.since_us = 0};
	if (!record_open(text, (size_t)size, LINK_MAGIC, &cursor))
		return err_set(
		    err, ERR_CORRUPT, "%s: no \"" LINK_MAGIC "\" record", path);
	while ((more = record_next(text, (size_t)size, &cursor, &line)) == 1)
		if (unpack_line(&line, d) == -1)
			return err_set(err, ERR_CORRUPT,
			    "%s: bad value of %.*s", path, (int)line.name_size,
			    line.name);
	return more == -1 ? err_set(err, ERR_CORRUPT, "%s: broken line", path)
			  : 1;
}

int
link_remove_down(int root_fd, const char *dest, struct err *err)
{
	char path[PATH_SIZE];

	path_down(path, dest);
	return fs_unlink(root_fd, path, err) == -1 ? -1 : 0;
}

int64_t
link_down_since_mono_ms(const struct link_down *d)
{
	char boot_id[CLOCK_BOOT_ID_SIZE];

	clock_boot_id(boot_id);
	if (boot_id[0] != '\0' && strcmp(boot_id, d->boot_id) == 0)
		return d->since_mono_ms;
	return clock_mono_ms() - (clock_real_us() - d->since_us) / 1000;
}

static int
unpack_line(const struct record_line *line, struct link_down *d)
{
	int64_t n;

	if (record_is(line, "Since"))
		return record_value_time(line, &d->since_us);
	if (record_is(line, "Since-Monotonic"))
		return record_value_int(line, 0, INT64_MAX, &d->since_mono_ms);
	if (record_is(line, "Boot-Id"))
		return record_value(line, d->boot_id, sizeof(d->boot_id));
	if (record_is(line, "Reason"))
		return record_value(line, d->reason, sizeof(d->reason));
	if (record_is(line, "Next-Probe"))
		return record_value_time(line, &d->next_probe_us);
	if (record_is(line, "Probes")) {
		if (record_value_int(line, 0, INT32_MAX, &n) == -1)
			return -1;
		d->probes = (unsigned)n;
	}
	return 0;
}
