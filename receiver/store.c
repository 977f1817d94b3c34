/*
 * One C-STORE. The data set is always read to its end, also when it was
 * refused before.
 *
 * Errors: those of the association end it; all others become an answer.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../spool/clock.h"
#include "../spool/item.h"
#include "../spool/log.h"
#include "../spool/text.h"
#include "account.h"
#include "data_set.h"
#include "head.h"
#include "meter.h"
#include "respond.h"
#include "result_folder.h"
#include "route.h"
#include "sources.h"
#include "space.h"
#include "store.h"
#include "wait.h"

#define MS_PER_S 1000

struct store {
	struct child *child;
	uint8_t context_id;
	const struct command *request;
	const struct conf_route *route;
	const char *transfer_syntax;
	struct item_writer *writer; /* NULL where it is refused */
	struct item_name name;
	struct head head;
	int64_t bytes; /* of the data set, so far */
	int64_t arrived_ms;
	bool is_refused;
	struct answer answer; /* where it is */
};

static void refuse(struct store *store, uint16_t status, const char *comment);
static void refuse_for(struct store *store, const struct err *err);
static void check_request(struct store *store);
static void check_queues(struct store *store);
static void begin(struct store *store);
static void take_piece(void *context, const void *data, size_t size);
static void broke_off(
    const struct store *store, uint64_t bytes, const struct err *err);
static void finish(struct store *store, uint64_t bytes);
static int publish(struct store *store, struct err *err);
static enum assoc_event answer(struct store *store, struct err *err);
static enum assoc_event answer_when_delivered(
    struct store *store, struct err *err);
static void sync_now(struct store *store);
static enum assoc_event answer_now(struct store *store, struct err *err);
static void account(const struct store *store, int status);
static void slow_down(const struct store *store);
static void log_answer(const struct store *store, const struct answer *answer);

enum assoc_event
store_serve(struct child *child, uint8_t context_id,
    const struct command *request, struct err *err)
{
	struct store store = {
	    .child = child,
	    .context_id = context_id,
	    .request = request,
	    .transfer_syntax = assoc_transfer_syntax(child->assoc, context_id),
	};
	enum assoc_event event = ASSOC_PDV;
	uint64_t bytes = 0;

	check_request(&store);
	if (!store.is_refused)
		begin(&store);
	if (request->data_set_type != COMMAND_NO_DATA_SET)
		event = data_set_read(child->assoc, context_id,
		    child->conf->receiver.dimse_timeout_s * 1000, take_piece,
		    &store, &bytes, err);
	if (event == ASSOC_PDV) {
		if (!store.is_refused)
			finish(&store, bytes);
		event = answer(&store, err);
		slow_down(&store);
	} else {
		broke_off(&store, bytes, err);
	}
	item_writer_close(&store.writer);
	return event;
}

/* The first reason counts. */
static void
refuse(struct store *store, uint16_t status, const char *comment)
{
	if (store->is_refused)
		return;
	store->is_refused = true;
	verdict_set_answer(&store->answer, status, comment);
	item_writer_close(&store->writer);
}

static void
refuse_for(struct store *store, const struct err *err)
{
	bool no_space = err->sys == ENOSPC || err->sys == EDQUOT;

	LOG(LOG_LEVEL_ERROR, "spool-failed",
	    LOG_STR("association", store->child->association),
	    LOG_STR("error", err->text));
	refuse(store, STATUS_OUT_OF_RESOURCES,
	    no_space ? "out of space" : "the spool cannot be written");
}

static void
check_request(struct store *store)
{
	const struct command *request = store->request;
	struct child *child = store->child;
	const char *sop_class =
	    assoc_abstract_syntax(child->assoc, store->context_id);

	if (strcmp(sop_class, request->sop_class) != 0 ||
	    !route_is_storage(child->conf, sop_class)) {
		refuse(store, STATUS_SOP_CLASS_NOT_SUPPORTED,
		    "not the SOP class of its presentation context");
		return;
	}
	if (!name_uid_valid(request->sop_instance)) {
		refuse(store, STATUS_INVALID_SOP_INSTANCE,
		    "no valid SOP Instance UID");
		return;
	}
	if (request->data_set_type == COMMAND_NO_DATA_SET) {
		refuse(store, STATUS_CANNOT_UNDERSTAND, "no data set");
		return;
	}
	store->route = route_find(child->conf, &child->who, sop_class);
	if (store->route == NULL)
		refuse(store, STATUS_NOT_AUTHORIZED, "no route takes it");
	else if (space_is_short(child))
		refuse(store, STATUS_OUT_OF_RESOURCES, "out of space");
	else if (sources_is_full(
		     child->shared, &child->conf->receiver, child->peer))
		refuse(store, STATUS_OUT_OF_RESOURCES,
		    "queue full: MaxQueueBytesPerPeer");
	else
		check_queues(store);
}

static void
check_queues(struct store *store)
{
	const struct conf_route *route = store->route;
	const struct conf_destination *destination;
	char comment[RESULT_COMMENT_SIZE];
	size_t i;

	for (i = 0; i < route->destinations_n; i++) {
		destination =
		    &store->child->conf->destinations[route->destinations[i]];
		if (!meter_is_full(store->child->shared, destination))
			continue;
		/* 64 characters at most: LO, PS3.5 6.2. */
		(void)snprintf(comment, sizeof(comment), "queue full: %.52s",
		    destination->name);
		refuse(store, STATUS_OUT_OF_RESOURCES, comment);
		return;
	}
}

static void
begin(struct store *store)
{
	const struct command *request = store->request;
	struct child *child = store->child;
	struct part10 part10 = {.has_envelope = true};
	struct envelope *envelope = &part10.envelope;
	struct err err = {.class = ERR_NONE};

	text_join(part10.sop_class, sizeof(part10.sop_class),
	    request->sop_class, NULL);
	text_join(part10.sop_instance, sizeof(part10.sop_instance),
	    request->sop_instance, NULL);
	text_join(part10.transfer_syntax, sizeof(part10.transfer_syntax),
	    store->transfer_syntax, NULL);
	text_join(envelope->association, sizeof(envelope->association),
	    child->association, NULL);
	text_join(envelope->calling_aet, sizeof(envelope->calling_aet),
	    child->calling_aet, NULL);
	text_join(envelope->called_aet, sizeof(envelope->called_aet),
	    child->called_aet, NULL);
	text_join(envelope->peer_address, sizeof(envelope->peer_address),
	    child->peer, NULL);
	text_join(envelope->move_aet, sizeof(envelope->move_aet),
	    request->move_aet, NULL);
	envelope->message_id = request->message_id;
	envelope->move_message_id = request->move_message_id;
	envelope->priority = request->priority;
	envelope->received_us = clock_real_us();
	if (store->route->answer_when == CONF_ANSWER_DELIVERED &&
	    result_folder_prepare(child, &err) == -1) {
		refuse_for(store, &err);
		return;
	}
	if (!item_slot_is_there(child->spool, &child->slot)) {
		item_slot_close(child->spool, &child->slot);
		if (item_slot_open(child->spool, child->association,
			&child->slot, &err) == -1) {
			refuse_for(store, &err);
			return;
		}
	}
	store->writer =
	    item_writer_create(child->spool, &part10, &child->slot, &err);
	if (store->writer == NULL)
		refuse_for(store, &err);
}

static void
take_piece(void *context, const void *data, size_t size)
{
	struct store *store = context;
	int64_t most = store->child->conf->receiver.max_instance_bytes;
	struct err err = {.class = ERR_NONE};

	if (store->is_refused)
		return;
	store->bytes += (int64_t)size;
	if (most > 0 && store->bytes > most) {
		refuse(store, STATUS_OUT_OF_RESOURCES,
		    "larger than MaxInstanceBytes");
		return;
	}
	head_add(&store->head, data, size);
	if (item_writer_write(store->writer, data, size, &err) == -1)
		refuse_for(store, &err);
}

static void
broke_off(const struct store *store, uint64_t bytes, const struct err *err)
{
	bool valid = name_uid_valid(store->request->sop_instance);

	account_broke_off(store->child);
	/* What ended the association is said aloud, once. */
	LOG(LOG_LEVEL_INFO, "broke-off",
	    LOG_STR("association", store->child->association),
	    LOG_INT("message", store->request->message_id),
	    LOG_STR("uid", valid ? store->request->sop_instance : ""),
	    LOG_INT("bytes", bytes), LOG_STR("error", err->text));
}

/* The data set is whole: tmp/ -> new/. */
static void
finish(struct store *store, uint64_t bytes)
{
	struct err err = {.class = ERR_NONE};

	store->arrived_ms = clock_mono_ms();
	if (bytes == 0)
		refuse(store, STATUS_CANNOT_UNDERSTAND, "empty data set");
	else if (head_is_file(&store->head, store->transfer_syntax))
		refuse(
		    store, STATUS_CANNOT_UNDERSTAND, "a file, not a data set");
	else if (item_writer_complete(store->writer, &err) == -1 ||
		 publish(store, &err) == -1)
		refuse_for(store, &err);
}

static int
publish(struct store *store, struct err *err)
{
	const struct conf_destination *all = store->child->conf->destinations;
	const struct conf_route *route = store->route;
	const char **names;
	size_t i;
	int rc;

	names = calloc(route->destinations_n, sizeof(*names));
	if (names == NULL)
		return err_sys(err, "get memory for an item");
	for (i = 0; i < route->destinations_n; i++)
		names[i] = all[route->destinations[i]].name;
	rc = item_writer_publish(store->writer, store->child->shared->stamps,
	    names, route->destinations_n, &store->name, err);
	free(names);
	for (i = 0; i < route->destinations_n && rc == 0; i++)
		meter_add(store->child->shared, &all[route->destinations[i]],
		    (int64_t)item_writer_bytes(store->writer));
	if (rc == 0)
		sources_add(store->child->shared, &store->child->conf->receiver,
		    store->child->peer,
		    (int64_t)item_writer_bytes(store->writer));
	if (rc == 0)
		account_received(
		    store->child, route, &store->name, (uint64_t)store->bytes);
	return rc;
}

static enum assoc_event
answer(struct store *store, struct err *err)
{
	if (!store->is_refused &&
	    store->route->answer_when == CONF_ANSWER_DELIVERED)
		return answer_when_delivered(store, err);
	if (!store->is_refused)
		sync_now(store);
	return answer_now(store, err);
}

static enum assoc_event
answer_when_delivered(struct store *store, struct err *err)
{
	const struct wait_item item = {
	    .context_id = store->context_id,
	    .request = store->request,
	    .route = store->route,
	    .name = &store->name,
	    .arrived_ms = store->arrived_ms,
	};

	if (wait_add(store->child, &item, &store->writer, err) == -1) {
		refuse_for(store, err);
		return answer_now(store, err);
	}
	return wait_run(store->child, err);
}

/* AnswerWhen "spooled": nobody waits for markers, but where the association
 * has a folder some will come. */
static void
sync_now(struct store *store)
{
	struct err err = {.class = ERR_NONE};

	store->child->strays = true;
	verdict_set_answer(&store->answer, STATUS_SUCCESS, NULL);
	if (item_writer_sync(store->writer, &err) == -1)
		refuse_for(store, &err);
}

static enum assoc_event
answer_now(struct store *store, struct err *err)
{
	struct child *child = store->child;

	child->stored += !store->is_refused;
	child->refused += store->is_refused;
	log_answer(store, &store->answer);
	if (respond(child, store->context_id, store->request, &store->answer,
		err) == 0) {
		account(store, store->answer.status);
		return ASSOC_PDV;
	}
	account(store, RESULT_NO_STATUS);
	LOG(LOG_LEVEL_WARNING, "answer-failed",
	    LOG_STR("association", child->association),
	    LOG_INT("message", store->request->message_id),
	    LOG_STR("error", err->text));
	return ASSOC_CLOSED;
}

static void
account(const struct store *store, int status)
{
	char file[NAME_ITEM_SIZE] = "";

	if (!store->is_refused)
		name_format(&store->name, file);
	account_answered(store->child, file, store->request, status,
	    store->arrived_ms == 0 ? 0 : clock_mono_ms() - store->arrived_ms);
}

/* MaxRate. Nothing else is due on this association meanwhile. */
static void
slow_down(const struct store *store)
{
	struct child *child = store->child;
	int64_t now_ms = clock_mono_ms(), left_ms;

	if (store->route == NULL || store->route->max_rate == 0)
		return;
	left_ms = child->second_ms + MS_PER_S - now_ms;
	if (left_ms <= 0) {
		child->second_ms = now_ms;
		child->in_second = 0;
		left_ms = MS_PER_S;
	}
	if (++child->in_second < store->route->max_rate)
		return;
	(void)poll(NULL, 0, (int)left_ms);
	child->second_ms = 0;
}

/* The comment is one of ours here. */
static void
log_answer(const struct store *store, const struct answer *answer)
{
	bool valid = name_uid_valid(store->request->sop_instance);
	char file[NAME_ITEM_SIZE];

	if (!store->is_refused) {
		name_format(&store->name, file);
		LOG(LOG_LEVEL_INFO, "stored",
		    LOG_STR("association", store->child->association),
		    LOG_STR("item", file), LOG_HEX("status", answer->status),
		    LOG_STR("how", "spooled"),
		    LOG_INT("bytes", item_writer_bytes(store->writer)),
		    LOG_INT("ms", clock_mono_ms() - store->arrived_ms));
		return;
	}
	LOG(LOG_LEVEL_WARNING, "refused",
	    LOG_STR("association", store->child->association),
	    LOG_INT("message", store->request->message_id),
	    LOG_STR("uid", valid ? store->request->sop_instance : ""),
	    LOG_HEX("status", answer->status),
	    LOG_STR("why", answer->error_comment));
}
