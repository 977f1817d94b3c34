/*
 * The envelope as text.
 *
 * Errors: ERR_CORRUPT for an envelope that is broken, ERR_BUG for one that
 * does not fit its size.
 */
#include <string.h>

#include "envelope.h"
#include "record.h"

static int unpack_line(const struct record_line *line, struct envelope *e);

int
envelope_pack(
    const struct envelope *e, char out[ENVELOPE_SIZE], struct err *err)
{
	char text[ENVELOPE_SIZE + 1];
	struct record_writer w;

	record_begin(&w, text, sizeof(text), ENVELOPE_MAGIC);
	if (e->association[0] != '\0') /* a reader takes none for none */
		record_add(&w, "Association", e->association);
	record_add_int(&w, "MessageID", e->message_id);
	record_add(&w, "CallingAET", e->calling_aet);
	record_add(&w, "CalledAET", e->called_aet);
	record_add(&w, "PeerAddress", e->peer_address);
	record_add_time(&w, "Received", e->received_us);
	record_add_int(&w, "Priority", e->priority);
	if (e->move_aet[0] != '\0') {
		record_add(&w, "MoveOriginatorAET", e->move_aet);
		record_add_int(
		    &w, "MoveOriginatorMessageID", e->move_message_id);
	}
	if (e->digest[0] != '\0') {
		record_add_int(&w, "DataSetLength", (int64_t)e->data_set_bytes);
		record_add(&w, "Digest", e->digest);
	}
	if (w.full)
		return err_set(err, ERR_BUG, "envelope longer than %d bytes",
		    ENVELOPE_SIZE);
	memset(out, ' ', ENVELOPE_SIZE);
	memcpy(out, text, w.used);
	return 0;
}

int
envelope_unpack(
    const void *data, size_t size, struct envelope *e, struct err *err)
{
	struct record_line line;
	size_t cursor;
	int more;

	if (!record_open(data, size, ENVELOPE_MAGIC, &cursor))
		return 0;
	*e = (struct envelope){.message_id = 0};
	while ((more = record_next(data, size, &cursor, &line)) == 1)
		if (unpack_line(&line, e) == -1)
			return err_set(err, ERR_CORRUPT,
			    "envelope: bad value of %.*s", (int)line.name_size,
			    line.name);
	if (more == -1)
		return err_set(err, ERR_CORRUPT, "envelope: broken line");
	if (e->digest[0] == '\0')
		return err_set(err, ERR_CORRUPT, "envelope: not completed");
	return 1;
}

static int
unpack_line(const struct record_line *line, struct envelope *e)
{
	int64_t n;

	if (record_is(line, "Association")) {
		if (record_value(
			line, e->association, sizeof(e->association)) == -1)
			return -1;
		return path_association_valid(e->association) ? 0 : -1;
	}
	if (record_is(line, "MessageID")) {
		if (record_value_int(line, 0, UINT16_MAX, &n) == -1)
			return -1;
		e->message_id = (uint16_t)n;
		return 0;
	}
	if (record_is(line, "CallingAET"))
		return record_value(
		    line, e->calling_aet, sizeof(e->calling_aet));
	if (record_is(line, "CalledAET"))
		return record_value(line, e->called_aet, sizeof(e->called_aet));
	if (record_is(line, "PeerAddress"))
		return record_value(
		    line, e->peer_address, sizeof(e->peer_address));
	if (record_is(line, "Received"))
		return record_value_time(line, &e->received_us);
	if (record_is(line, "Priority")) {
		if (record_value_int(line, 0, UINT16_MAX, &n) == -1)
			return -1;
		e->priority = (uint16_t)n;
		return 0;
	}
	if (record_is(line, "MoveOriginatorAET"))
		return record_value(line, e->move_aet, sizeof(e->move_aet));
	if (record_is(line, "MoveOriginatorMessageID")) {
		if (record_value_int(line, 0, UINT16_MAX, &n) == -1)
			return -1;
		e->move_message_id = (uint16_t)n;
		return 0;
	}
	if (record_is(line, "DataSetLength")) {
		if (record_value_int(line, 0, INT64_MAX, &n) == -1)
			return -1;
		e->data_set_bytes = (uint64_t)n;
		return 0;
	}
	if (record_is(line, "Digest"))
		return record_value(line, e->digest, sizeof(e->digest));
	return 0;
}
