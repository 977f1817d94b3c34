/*
 * One association.
 *
 * Errors: none to the caller; what ended an association is logged.
 */
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/dimse.h"
#include "../spool/fs.h"
#include "../spool/log.h"
#include "acceptor_dcmtk.h"
#include "account.h"
#include "association.h"
#include "cell.h"
#include "data_set.h"
#include "negotiate.h"
#include "respond.h"
#include "result_folder.h"
#include "store.h"
#include "wait.h"

#define C_CANCEL_RQ  0x0FFF
#define RESPONSE_BIT 0x8000

#define STOP_GRACE_MS 1000
#define SOON_MS	      5 /* in which the next request follows, in a burst */

/* How it ends. */
enum ending {
	ENDING_NONE,
	ENDING_RELEASED,
	ENDING_ABORTED, /* by the peer */
	ENDING_CLOSED,	/* without a word */
	ENDING_TIMEOUT, /* in the midst of a message */
	ENDING_IDLE,	/* between two */
	ENDING_BROKEN,	/* against the protocol */
	ENDING_STOPPED	/* the receiver stops */
};

static enum ending run(struct child *child, struct err *err);
static enum ending wait_for_request(struct child *child, struct err *err);
static enum ending serve_request(struct child *child, struct err *err);
static enum assoc_event dispatch(struct child *child, uint8_t context_id,
    const struct command *request, struct err *err);
static enum assoc_event serve_other(struct child *child, uint8_t context_id,
    const struct command *request, struct err *err);
static enum ending ending_of(enum assoc_event event);
static void end(struct child *child, enum ending ending, const struct err *err);
static const char *ending_name(enum ending ending);

bool
association_serve(struct child *child)
{
	const struct conf_receiver *receiver = &child->conf->receiver;
	struct err err = {.class = ERR_NONE};
	int rc;

	if (cell_enter(child, &err) == -1) {
		LOG(LOG_LEVEL_ERROR, "not-served", LOG_STR("peer", child->peer),
		    LOG_STR("error", err.text));
		return true; /* no fault of the peer's */
	}
	rc = acceptor_receive(child->fd, child->tls, receiver->max_pdu_bytes,
	    receiver->artim_s * 1000, &child->assoc, &err);
	if (rc == 0)
		rc = negotiate(child, &err);
	if (rc == -1) /* a port check, mostly, where it is temporary */
		LOG(err.class == ERR_TEMPORARY ? LOG_LEVEL_INFO
					       : LOG_LEVEL_WARNING,
		    "not-associated",
		    LOG_STR("association", child->association),
		    LOG_STR("peer", child->peer), LOG_STR("error", err.text));
	account_association(child, rc == 1);
	if (rc == 1)
		end(child, run(child, &err), &err);
	if (child->assoc != NULL)
		assoc_close(&child->assoc);
	item_slot_close(child->spool, &child->slot);
	(void)fs_close(&child->queue_fd, PATH_QUEUE, NULL);
	return rc == 1;
}

static enum ending
run(struct child *child, struct err *err)
{
	enum ending ending;

	do {
		ending = wait_for_request(child, err);
		if (ending == ENDING_NONE)
			ending = serve_request(child, err);
	} while (ending == ENDING_NONE);
	return ending;
}

/* Until the first byte of it is here. One that is stopped may still ask for
 * release, for a moment. */
static enum ending
wait_for_request(struct child *child, struct err *err)
{
	struct pollfd pollers[] = {
	    {.fd = child->parent_fd, .events = POLLIN},
	    {.fd = assoc_fd(child->assoc), .events = POLLIN},
	    {.events = POLLIN},
	};
	int64_t until_ms = clock_mono_ms() +
			   (int64_t)child->conf->receiver.idle_timeout_s * 1000;
	int64_t left_ms;
	bool stopping = false, soon = child->answered != NULL;
	int ready;

	for (;;) {
		if (!stopping && shared_is_stopping(child->shared)) {
			stopping = true;
			until_ms = clock_mono_ms() + STOP_GRACE_MS;
		}
		if (assoc_buffered(child->assoc))
			return ENDING_NONE;
		left_ms = until_ms - clock_mono_ms();
		if (left_ms <= 0) {
			(void)err_set(err, ERR_TEMPORARY,
			    stopping ? "the receiver stops"
				     : "no request came within IdleTimeout");
			return stopping ? ENDING_STOPPED : ENDING_IDLE;
		}
		assoc_poll_any(child->assoc, !soon);
		pollers[2].fd = child->watch_fd; /* a hint may change it */
		ready = poll(pollers, 3, soon ? SOON_MS : (int)left_ms);
		if (ready == 0 && soon)
			assoc_poll_was_in_vain(child->assoc);
		if (ready <= 0 && soon)
			wait_tidy(child);
		soon = soon && ready > 0;
		if (ready <= 0)
			continue;
		if ((pollers[0].revents != 0 || pollers[2].revents != 0) &&
		    result_folder_hints(child) && child->has_folder)
			result_folder_empty(child);
		if (pollers[1].revents != 0 && assoc_arrived(child->assoc))
			return ENDING_NONE;
	}
}

static enum ending
serve_request(struct child *child, struct err *err)
{
	struct command request;
	enum assoc_event event;
	uint8_t context_id;

	event = dimse_read_command(child->assoc,
	    child->conf->receiver.dimse_timeout_s * 1000, &request, &context_id,
	    err);
	if (event != ASSOC_PDV)
		return ending_of(event);
	if (shared_is_stopping(child->shared)) {
		(void)err_set(err, ERR_TEMPORARY, "the receiver stops");
		return ENDING_STOPPED;
	}
	if ((request.field & RESPONSE_BIT) != 0) {
		(void)err_set(err, ERR_CORRUPT,
		    "a response 0x%04X came, to no request of ours",
		    (unsigned)request.field);
		return ENDING_BROKEN;
	}
	if (!request.has_data_set_type ||
	    (!request.has_message_id && request.field != C_CANCEL_RQ)) {
		(void)err_set(err, ERR_CORRUPT,
		    "a request 0x%04X came without %s", (unsigned)request.field,
		    request.has_data_set_type ? "message ID"
					      : "Command Data Set Type");
		return ENDING_BROKEN;
	}
	return ending_of(dispatch(child, context_id, &request, err));
}

static enum assoc_event
dispatch(struct child *child, uint8_t context_id, const struct command *request,
    struct err *err)
{
	if (request->field == COMMAND_C_STORE_RQ)
		return store_serve(child, context_id, request, err);
	return serve_other(child, context_id, request, err);
}

/* C-ECHO, and what we do not know (PS3.7 C.5.15). C-CANCEL has no response,
 * and there is nothing that it could cancel (PS3.7 9.3.2.3). */
static enum assoc_event
serve_other(struct child *child, uint8_t context_id,
    const struct command *request, struct err *err)
{
	int timeout_ms = child->conf->receiver.dimse_timeout_s * 1000;
	enum assoc_event event = ASSOC_PDV;
	struct answer answer;
	uint64_t bytes;

	if (request->data_set_type != COMMAND_NO_DATA_SET)
		event = data_set_read(child->assoc, context_id, timeout_ms,
		    NULL, NULL, &bytes, err);
	if (event != ASSOC_PDV || request->field == C_CANCEL_RQ)
		return event;
	if (request->field != COMMAND_C_ECHO_RQ)
		verdict_set_answer(
		    &answer, STATUS_UNRECOGNIZED_OPERATION, NULL);
	else if (strcmp(assoc_abstract_syntax(child->assoc, context_id),
		     COMMAND_VERIFICATION_CLASS) == 0)
		verdict_set_answer(&answer, STATUS_SUCCESS, NULL);
	else
		verdict_set_answer(
		    &answer, STATUS_SOP_CLASS_NOT_SUPPORTED, NULL);
	LOG(answer.status == STATUS_SUCCESS ? LOG_LEVEL_DEBUG
					    : LOG_LEVEL_WARNING,
	    "command", LOG_STR("association", child->association),
	    LOG_HEX("field", request->field),
	    LOG_INT("message", request->message_id),
	    LOG_HEX("status", answer.status));
	return respond(child, context_id, request, &answer, err) == 0
		   ? ASSOC_PDV
		   : ASSOC_CLOSED;
}

static enum ending
ending_of(enum assoc_event event)
{
	switch (event) {
	case ASSOC_PDV:
		return ENDING_NONE;
	case ASSOC_RELEASE:
		return ENDING_RELEASED;
	case ASSOC_ABORTED:
		return ENDING_ABORTED;
	case ASSOC_CLOSED:
		return ENDING_CLOSED;
	case ASSOC_TIMEOUT:
		return ENDING_TIMEOUT;
	case ASSOC_BROKEN:
		break;
	}
	return ENDING_BROKEN;
}

static void
end(struct child *child, enum ending ending, const struct err *err)
{
	bool orderly = ending == ENDING_RELEASED;
	struct err local = {.class = ERR_NONE};

	switch (ending) {
	case ENDING_RELEASED:
		/* A peer that does not wait for it has what it wanted. */
		(void)assoc_answer_release(child->assoc, &local);
		break;
	case ENDING_TIMEOUT:
	case ENDING_IDLE:
	case ENDING_BROKEN:
	case ENDING_STOPPED:
		assoc_abort(child->assoc);
		break;
	case ENDING_NONE:
	case ENDING_ABORTED:
	case ENDING_CLOSED:
		break;
	}
	wait_tidy(child);
	LOG(orderly ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "ended",
	    LOG_STR("association", child->association),
	    LOG_STR("how", ending_name(ending)),
	    LOG_INT("stored", child->stored),
	    LOG_INT("refused", child->refused),
	    LOG_STR("error", orderly ? local.text : err->text));
}

static const char *
ending_name(enum ending ending)
{
	switch (ending) {
	case ENDING_NONE:
		break;
	case ENDING_RELEASED:
		return "released";
	case ENDING_ABORTED:
		return "aborted";
	case ENDING_CLOSED:
		return "closed";
	case ENDING_TIMEOUT:
		return "timeout";
	case ENDING_IDLE:
		return "idle";
	case ENDING_BROKEN:
		return "broken";
	case ENDING_STOPPED:
		return "stopped";
	}
	return "none";
}
