/*
 * The delivery of one item.
 *
 * Errors: an outcome of enum lane_outcome in the report, with its reason. A
 * response that does not belong to the request, comes before the data set
 * was sent whole, or is not final, is a broken peer: the association is
 * aborted.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/counters.h"
#include "../spool/dimse.h"
#include "../spool/fs.h"
#include "deliver.h"
#include "outcome.h"

#define MS_PER_S 1000

/* How one try over one association went. */
enum try_end {
	TRY_DONE,  /* the report says it */
	TRY_BROKE, /* the connection went before a response */
	TRY_SILENT /* the peer is there and says nothing, or nonsense */
};

struct
try {
	struct deliver *d;
	const struct lane_job *job;
	struct item_reader *reader;
	struct lane_report *report;
	uint8_t context_id;
	uint16_t message_id;
	bool data_sent; /* the first P-DATA went out */
	bool sent_whole;
	int64_t sent_us; /* then, monotonic */
	struct err err;
};

static enum try_end try_once(struct try *t);
static int send_request(struct try *t);
static int send_data_set(struct try *t);
static int read_block(struct try *t, uint64_t at, size_t *size);
static int check_digest(struct try *t);
static bool peer_spoke(struct assoc *assoc);
static enum try_end read_response(struct try *t);
static int check_response(
    struct try *t, const struct command *rsp, uint8_t context_id);
static void report_status(
    struct lane_report *report, const struct command *rsp);
static bool somebody_waits(const struct try *t);
static void tell(struct try *t);

void
deliver_item(struct deliver *d, const struct lane_job *job,
    struct item_reader *reader, struct lane_report *report)
{
	struct try t = {.d = d, .job = job, .reader = reader, .report = report};
	bool reused, tried_before = false, lost = false;
	enum try_end end;

	do {
		reused = d->connection->assoc != NULL && !tried_before;
		atomic_store(&d->shared->sent_whole, lost);
		report->outcome = connection_prepare(
		    d->connection, &reader->part10, &t.context_id, &t.err);
		if (report->outcome != LANE_OK)
			goto out;
		/* Prepared may mean replaced: then it is not reused. */
		reused = reused && d->connection->used;
		t.data_sent = t.sent_whole = false;
		end = try_once(&t);
		if (end == TRY_DONE)
			goto out;
		lost = lost || t.sent_whole;
		connection_abort(d->connection);
		tried_before = true;
	} while (end == TRY_BROKE && reused);
	report->outcome = t.data_sent ? LANE_BROKEN : LANE_LINK_FAILED;
out:
	report->answer_lost = lost;
	tell(&t);
	if (report->outcome != LANE_ANSWERED)
		(void)snprintf(report->reason, sizeof(report->reason), "%.*s",
		    (int)sizeof(report->reason) - 1, t.err.text);
	atomic_store(&d->shared->sent_whole, false);
}

uint16_t
deliver_next_message_id(struct deliver *d)
{
	if (++d->message_id == 0)
		d->message_id = 1;
	return d->message_id;
}

static enum try_end
try_once(struct try *t)
{
	struct lane_report *report = t->report;

	report->outcome = LANE_BROKEN;
	if (send_request(t) == 0 && send_data_set(t) == 0) {
		marker_prepare(&t->d->marker, t->d->connection->spool,
		    t->report->association);
		return read_response(t);
	}
	if (report->outcome == LANE_CORRUPT ||
	    report->outcome == LANE_LOCAL_ERROR) {
		connection_abort(t->d->connection);
		return TRY_DONE;
	}
	return TRY_BROKE;
}

/* PS3.7 9.3.1.1 */
static int
send_request(struct try *t)
{
	const struct part10 *part10 = &t->reader->part10;
	const struct envelope *envelope = &part10->envelope;
	const struct conf_destination *conf = t->d->connection->conf;
	struct command rq = {.field = COMMAND_C_STORE_RQ,
	    .has_sop_class = true,
	    .has_sop_instance = true,
	    .has_message_id = true,
	    .has_data_set_type = true,
	    .data_set_type = 0x0001};

	rq.message_id = t->message_id = deliver_next_message_id(t->d);
	(void)strcpy(rq.sop_class, part10->sop_class);
	(void)strcpy(rq.sop_instance, part10->sop_instance);
	if (part10->has_envelope)
		rq.priority = envelope->priority;
	if (somebody_waits(t)) {
		(void)strcpy(rq.move_aet, envelope->move_aet);
		rq.move_message_id = envelope->move_message_id;
	}
	assoc_expect_more(t->d->connection->assoc);
	return dimse_send_command(t->d->connection->assoc, t->context_id, &rq,
	    conf->dimse_timeout_s * MS_PER_S, &t->err);
}

/*
 * In blocks of one PDV each. The last goes out only when all was read and the
 * digest fits.
 */
static int
send_data_set(struct try *t)
{
	struct assoc *assoc = t->d->connection->assoc;
	int timeout_ms = t->d->connection->conf->dimse_timeout_s * MS_PER_S;
	uint64_t at = 0, total = t->reader->data_set_bytes;
	size_t size = 0;
	bool last;

	item_digest_reset(t->d->digest);
	while (at < total) {
		if (read_block(t, at, &size) == -1)
			return -1;
		last = at + size == total;
		if (last && check_digest(t) == -1)
			return -1;
		if (peer_spoke(assoc))
			return err_set(&t->err, ERR_TEMPORARY,
			    "the destination ended the association, or "
			    "answered, before the data set was sent");
		t->data_sent = true;
		if (assoc_write_pdv(assoc, t->context_id, false, last,
			t->d->block, size, timeout_ms, &t->err) == -1)
			return -1;
		at += size;
	}
	t->sent_whole = true;
	t->sent_us = clock_mono_us();
	atomic_store(&t->d->shared->sent_whole, true);
	return 0;
}

static int
read_block(struct try *t, uint64_t at, size_t *size)
{
	size_t wanted = assoc_pdv_bytes(t->d->connection->assoc);
	uint64_t rest = t->reader->data_set_bytes - at;
	ssize_t got;

	if (wanted > DELIVER_BLOCK_BYTES)
		wanted = DELIVER_BLOCK_BYTES;
	if (wanted > rest)
		wanted = (size_t)rest;
	got = fs_pread(t->reader->fd, t->d->block, wanted,
	    (off_t)(t->reader->part10.data_set_offset + at), "the item",
	    &t->err);
	if (got == -1) {
		t->report->outcome = LANE_LOCAL_ERROR;
		return -1;
	}
	if ((size_t)got != wanted) {
		t->report->outcome = LANE_CORRUPT;
		return err_set(&t->err, ERR_CORRUPT,
		    "the file became shorter while it was sent");
	}
	item_digest_update(t->d->digest, t->d->block, wanted);
	*size = wanted;
	return 0;
}

static int
check_digest(struct try *t)
{
	const struct part10 *part10 = &t->reader->part10;
	char digest[ENVELOPE_DIGEST_SIZE];

	if (!part10->has_envelope)
		return 0;
	item_digest_final(t->d->digest, digest);
	if (strcmp(digest, part10->envelope.digest) == 0)
		return 0;
	t->report->outcome = LANE_CORRUPT;
	return err_set(&t->err, ERR_CORRUPT,
	    "the data set is not the one that was received: digest %s, %s by "
	    "its envelope",
	    digest, part10->envelope.digest);
}

static bool
peer_spoke(struct assoc *assoc)
{
	struct pollfd poll_fd = {.fd = assoc_fd(assoc), .events = POLLIN};

	assoc_poll_any(assoc, true);
	return assoc_buffered(assoc) || poll(&poll_fd, 1, 0) == 1;
}

static enum try_end
read_response(struct try *t)
{
	struct connection *c = t->d->connection;
	struct command rsp;
	uint8_t context_id;

	switch (dimse_read_command(c->assoc,
	    c->conf->dimse_timeout_s * MS_PER_S, &rsp, &context_id, &t->err)) {
	case ASSOC_PDV:
		break;
	case ASSOC_RELEASE:
		(void)err_set(&t->err, ERR_TEMPORARY,
		    "the destination released the association instead of "
		    "answering");
		return TRY_BROKE;
	case ASSOC_ABORTED:
	case ASSOC_CLOSED:
		return TRY_BROKE;
	case ASSOC_TIMEOUT:
	case ASSOC_BROKEN:
		return TRY_SILENT;
	}
	if (check_response(t, &rsp, context_id) == -1)
		return TRY_SILENT;
	c->used = true;
	report_status(t->report, &rsp);
	counters_sent(t->d->shared->counters, t->reader->data_set_bytes,
	    clock_mono_us() - t->sent_us);
	return TRY_DONE;
}

/* The UIDs may be left out; where they are there they must fit. */
static int
check_response(struct try *t, const struct command *rsp, uint8_t context_id)
{
	const struct part10 *part10 = &t->reader->part10;
	const char *wrong = NULL;

	if (rsp->field != COMMAND_C_STORE_RSP)
		wrong = "is no C-STORE-RSP";
	else if (context_id != t->context_id)
		wrong = "came on another presentation context";
	else if (!rsp->has_message_id || rsp->message_id != t->message_id)
		wrong = "has another message ID";
	else if (!rsp->has_status)
		wrong = "has no status";
	else if (rsp->has_data_set_type &&
		 rsp->data_set_type != COMMAND_NO_DATA_SET)
		wrong = "announces a data set";
	else if (rsp->has_sop_class &&
		 strcmp(rsp->sop_class, part10->sop_class) != 0)
		wrong = "has another SOP class UID";
	else if (rsp->has_sop_instance &&
		 strcmp(rsp->sop_instance, part10->sop_instance) != 0)
		wrong = "has another SOP instance UID";
	else if (outcome_of_status(t->d->connection->conf, rsp->status,
		     false) == OUTCOME_NOT_FINAL)
		wrong = "is pending or cancel, which C-STORE does not have";
	if (wrong == NULL)
		return 0;
	return err_set(
	    &t->err, ERR_TEMPORARY, "the destination's answer %s", wrong);
}

static void
report_status(struct lane_report *report, const struct command *rsp)
{
	report->outcome = LANE_ANSWERED;
	report->status = rsp->status;
	(void)memcpy(report->error_comment, rsp->error_comment,
	    sizeof(report->error_comment));
	report->offending_n = rsp->offending_n;
	(void)memcpy(
	    report->offending, rsp->offending, sizeof(report->offending));
}

/* The move originator is of use only to a retrieve that still goes on. */
static bool
somebody_waits(const struct try *t)
{
	const struct part10 *part10 = &t->reader->part10;
	char path[PATH_SIZE];
	struct stat st;

	if (!part10->has_envelope || part10->envelope.move_aet[0] == '\0')
		return false;
	path_association(path, part10->envelope.association);
	return fs_stat(t->d->connection->spool->root_fd, path, &st, NULL) == 1;
}

/* The parent knows what an answer means for the item; what is a success is no
 * question, and who waits is told at once. */
static void
tell(struct try *t)
{
	const struct conf_destination *conf = t->d->connection->conf;
	struct lane_report *report = t->report;

	if (report->outcome == LANE_ANSWERED &&
	    outcome_of_status(conf, report->status,
		t->job->answer_lost || report->answer_lost) ==
		OUTCOME_DELIVERED) {
		atomic_store(&t->d->shared->delivered, report->status);
		marker_write(&t->d->marker, conf->name, t->job, report);
	}
}
