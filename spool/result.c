/*
 * Result markers and item records.
 *
 * Errors: as fs.c; ERR_CORRUPT for a text that is no record of this kind.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs.h"
#include "fs_replace.h"
#include "record.h"
#include "result.h"

#define TAG_SIZE 12 /* "(0010,0020) " */

static const char *const state_names[] = {
    [RESULT_DELIVERED] = "delivered",
    [RESULT_DEFERRED] = "deferred",
    [RESULT_FAILED] = "failed",
    [RESULT_REMOVED] = "removed",
};

static void add_offending(struct record_writer *w, const struct result *r);
static int unpack_line(const struct record_line *line, struct result *r);
static int unpack_string(const struct record_line *line, struct result *r);
static int unpack_number(const struct record_line *line, struct result *r);
static int unpack_state(const struct record_line *line, struct result *r);
static int unpack_status(const struct record_line *line, struct result *r);
static int unpack_offending(const struct record_line *line, struct result *r);
static int read_result(
    int root_fd, const char *path, struct result *r, struct err *err);

const char *
result_state_name(enum result_state state)
{
	return state_names[state];
}

int
result_pack(const struct result *r, char out[RESULT_SIZE], size_t *size,
    struct err *err)
{
	struct record_writer w;

	record_begin(&w, out, RESULT_SIZE, RESULT_MAGIC);
	record_add(&w, "Item", r->item);
	if (r->association[0] != '\0')
		record_add(&w, "Association", r->association);
	record_add_int(&w, "MessageID", r->message_id);
	record_add(&w, "SOPInstanceUID", r->sop_instance);
	record_add(&w, "Destination", r->destination);
	record_add(&w, "State", state_names[r->state]);
	if (r->status == RESULT_NO_STATUS)
		record_add(&w, "Status", "none");
	else
		record_add_hex(&w, "Status", (unsigned)r->status);
	if (r->error_comment[0] != '\0')
		record_add(&w, "ErrorComment", r->error_comment);
	if (r->offending_n > 0)
		add_offending(&w, r);
	if (r->reason[0] != '\0')
		record_add(&w, "Reason", r->reason);
	record_add_int(&w, "Attempts", r->attempts);
	if (r->breaks > 0)
		record_add_int(&w, "Breaks", r->breaks);
	if (r->deaths > 0)
		record_add_int(&w, "Deaths", r->deaths);
	if (r->answer_lost)
		record_add(&w, "AnswerLost", "yes");
	record_add_time(&w, "First-Attempt", r->first_us);
	record_add_time(&w, "Last-Attempt", r->last_us);
	record_add_time(&w, "Next-Attempt", r->next_us);
	if (w.full)
		return err_set(err, ERR_BUG, "result of %s longer than %d",
		    r->item, RESULT_SIZE);
	*size = w.used;
	return 0;
}

int
result_unpack(const char *text, size_t size, struct result *r, struct err *err)
{
	bool has_state = false, has_status = false;
	struct record_line line;
	size_t cursor;
	int more;

	*r = (struct result){.status = RESULT_NO_STATUS};
	if (!record_open(text, size, RESULT_MAGIC, &cursor))
		return err_set(
		    err, ERR_CORRUPT, "no \"" RESULT_MAGIC "\" record");
	while ((more = record_next(text, size, &cursor, &line)) == 1) {
		if (unpack_line(&line, r) == -1)
			return err_set(err, ERR_CORRUPT,
			    "result: bad value of %.*s", (int)line.name_size,
			    line.name);
		has_state = has_state || record_is(&line, "State");
		has_status = has_status || record_is(&line, "Status");
	}
	if (more == -1)
		return err_set(err, ERR_CORRUPT, "result: broken line");
	/* Cut off by a power cut: never taken for delivered. */
	if (!has_state || !has_status)
		return err_set(
		    err, ERR_CORRUPT, "result: without State or Status");
	return 0;
}

int
result_write_marker(int root_fd, const struct result *r, struct err *err)
{
	struct fs_replacement marker;
	struct item_name name;
	int rc;

	if (!name_parse(r->item, &name))
		return 0;
	rc = result_begin_marker(root_fd, r->association, &marker, err);
	if (rc == 1 && result_finish_marker(&marker, r, err) == -1)
		return -1;
	return rc;
}

int
result_begin_marker(int root_fd, const char *association,
    struct fs_replacement *marker, struct err *err)
{
	struct err local = {.class = ERR_NONE};
	char path[PATH_SIZE];

	if (!path_association_valid(association))
		return 0;
	path_marker(path, association, "marker", "");
	if (fs_replace_begin(root_fd, path, marker, &local) == 0)
		return 1;
	if (local.sys == ENOENT)
		return 0;
	if (err != NULL)
		*err = local;
	return -1;
}

int
result_finish_marker(
    struct fs_replacement *marker, const struct result *r, struct err *err)
{
	char text[RESULT_SIZE], key[NAME_KEY_SIZE];
	struct item_name name;
	size_t size = 0;

	if (!name_parse(r->item, &name)) {
		fs_replace_cancel(marker);
		return err_set(err, ERR_BUG, "a marker for %s", r->item);
	}
	name_key_format(&name, key);
	path_marker(marker->path, r->association, key, r->destination);
	if (result_pack(r, text, &size, err) == 0)
		return fs_replace_finish(marker, text, size, false, err);
	fs_replace_cancel(marker);
	return -1;
}

int
result_read_marker(int root_fd, const char *association, const char *key,
    const char *dest, struct result *r, struct err *err)
{
	char path[PATH_SIZE];

	path_marker(path, association, key, dest);
	return read_result(root_fd, path, r, err);
}

int
result_write_record(int root_fd, const struct result *r, struct err *err)
{
	char text[RESULT_SIZE], path[PATH_SIZE];
	size_t size = 0;

	if (result_pack(r, text, &size, err) == -1)
		return -1;
	path_record(path, r->destination, r->item);
	return fs_replace_file(root_fd, path, text, size, false, err);
}

int
result_read_record(int root_fd, const char *dest, const char *item,
    struct result *r, struct err *err)
{
	char path[PATH_SIZE];

	path_record(path, dest, item);
	return read_result(root_fd, path, r, err);
}

static int
read_result(int root_fd, const char *path, struct result *r, struct err *err)
{
	char text[RESULT_SIZE];
	struct err local = {.class = ERR_NONE};
	ssize_t size;

	size = fs_read_file(root_fd, path, text, sizeof(text), &local);
	if (size == -1 && local.sys == ENOENT)
		return 0;
	if (size != -1 && result_unpack(text, (size_t)size, r, &local) == 0)
		return 1;
	return err_set(err, local.class, "%s: %s", path, local.text);
}

static void
add_offending(struct record_writer *w, const struct result *r)
{
	char text[RESULT_OFFENDING * TAG_SIZE + 1];
	size_t i, used = 0;

	for (i = 0; i < r->offending_n && i < RESULT_OFFENDING; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s(%04" PRIX32 ",%04" PRIX32 ")", i == 0 ? "" : " ",
		    r->offending[i] >> 16, r->offending[i] & 0xFFFF);
	record_add(w, "OffendingElement", text);
}

static int
unpack_line(const struct record_line *line, struct result *r)
{
	if (record_is(line, "State"))
		return unpack_state(line, r);
	if (record_is(line, "Status"))
		return unpack_status(line, r);
	if (record_is(line, "OffendingElement"))
		return unpack_offending(line, r);
	if (record_is(line, "AnswerLost")) {
		r->answer_lost = true;
		return 0;
	}
	if (record_is(line, "First-Attempt"))
		return record_value_time(line, &r->first_us);
	if (record_is(line, "Last-Attempt"))
		return record_value_time(line, &r->last_us);
	if (record_is(line, "Next-Attempt"))
		return record_value_time(line, &r->next_us);
	if (unpack_string(line, r) == -1)
		return -1;
	return unpack_number(line, r);
}

static int
unpack_string(const struct record_line *line, struct result *r)
{
	const struct {
		const char *name;
		char *out;
		size_t size;
	} strings[] = {
	    {"Item", r->item, sizeof(r->item)},
	    {"Association", r->association, sizeof(r->association)},
	    {"SOPInstanceUID", r->sop_instance, sizeof(r->sop_instance)},
	    {"Destination", r->destination, sizeof(r->destination)},
	    {"ErrorComment", r->error_comment, sizeof(r->error_comment)},
	    {"Reason", r->reason, sizeof(r->reason)},
	};
	size_t i;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (record_is(line, strings[i].name))
			return record_value(
			    line, strings[i].out, strings[i].size);
	return 0;
}

static int
unpack_number(const struct record_line *line, struct result *r)
{
	int64_t n = 0;

	if (record_is(line, "MessageID")) {
		if (record_value_int(line, 0, UINT16_MAX, &n) == -1)
			return -1;
		r->message_id = (uint16_t)n;
	} else if (record_is(line, "Attempts")) {
		if (record_value_int(line, 0, INT32_MAX, &n) == -1)
			return -1;
		r->attempts = (unsigned)n;
	} else if (record_is(line, "Breaks")) {
		if (record_value_int(line, 0, INT32_MAX, &n) == -1)
			return -1;
		r->breaks = (unsigned)n;
	} else if (record_is(line, "Deaths")) {
		if (record_value_int(line, 0, INT32_MAX, &n) == -1)
			return -1;
		r->deaths = (unsigned)n;
	}
	return 0;
}

static int
unpack_state(const struct record_line *line, struct result *r)
{
	char word[16];
	size_t i;

	if (record_value(line, word, sizeof(word)) == -1)
		return -1;
	for (i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
		if (strcmp(word, state_names[i]) == 0) {
			r->state = (enum result_state)i;
			return 0;
		}
	return -1;
}

static int
unpack_status(const struct record_line *line, struct result *r)
{
	unsigned status;

	if (line->value_size == 4 && memcmp(line->value, "none", 4) == 0) {
		r->status = RESULT_NO_STATUS;
		return 0;
	}
	if (record_value_hex(line, &status) == -1)
		return -1;
	r->status = (int)status;
	return 0;
}

static int
unpack_offending(const struct record_line *line, struct result *r)
{
	char text[RESULT_OFFENDING * TAG_SIZE + 1], *at = text;
	unsigned group, element;
	int used;

	if (record_value(line, text, sizeof(text)) == -1)
		return -1;
	r->offending_n = 0;
	while (*at != '\0') {
		used = -1;
		if (r->offending_n == RESULT_OFFENDING ||
		    sscanf(at, " (%4x,%4x)%n", &group, &element, &used) != 2 ||
		    used == -1)
			return -1;
		r->offending[r->offending_n++] =
		    (uint32_t)group << 16 | (uint32_t)element;
		at += used;
	}
	return 0;
}
