/*
 * A lane's association.
 *
 * Errors: outcomes of enum lane_outcome, with the reason in words.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/dimse.h"
#include "../spool/fs.h"
#include "../spool/peer.h"
#include "connection.h"

#define OFFERS_MAX	   64 /* items looked at in a folder */
#define RELEASE_TIMEOUT_MS 5000
#define IDLE_READ_MS	   1000
#define MS_PER_S	   1000

struct offer_scan {
	struct connection *connection;
	enum queue_state state;
	int left;
	struct part10 first; /* the first item's, for AE titles */
	bool has_first;
};

static enum lane_outcome resolve_titles(struct connection *c,
    const struct part10 *part10, char calling[ENVELOPE_AET_SIZE],
    char called[ENVELOPE_AET_SIZE], struct err *err);
static int resolve_title(const char *setting, const struct part10 *part10,
    char out[ENVELOPE_AET_SIZE]);
static bool can_carry(struct connection *c, const struct part10 *part10,
    const char *calling, const char *called, uint8_t *context_id);
static bool was_proposed(
    const struct connection *c, const struct part10 *part10);
static void offer_queued(
    struct connection *c, struct offer_scan *scan, enum queue_state state);
static int offer_item(void *context, const char *file);
static bool is_whom_we_mean(struct connection *c, struct err *err);

enum lane_outcome
connection_prepare(struct connection *c, const struct part10 *part10,
    uint8_t *context_id, struct err *err)
{
	char calling[ENVELOPE_AET_SIZE], called[ENVELOPE_AET_SIZE];
	struct offer_scan scan = {.connection = c};
	enum lane_outcome outcome;

	outcome = resolve_titles(c, part10, calling, called, err);
	if (outcome != LANE_OK)
		return outcome;
	if (can_carry(c, part10, calling, called, context_id)) {
		if (*context_id != 0)
			return LANE_OK;
		goto refused;
	}
	connection_release(c);
	(void)strcpy(c->calling_aet, calling);
	(void)strcpy(c->called_aet, called);
	offer_queued(c, &scan, QUEUE_NEW);
	offer_queued(c, &scan, QUEUE_DEFERRED);
	contexts_use(&c->contexts, part10->sop_class, part10->transfer_syntax);
	outcome = connection_open(c, NULL, err);
	if (outcome != LANE_OK)
		return outcome;
	*context_id = requestor_find_context(
	    c->assoc, part10->sop_class, part10->transfer_syntax);
	if (*context_id != 0)
		return LANE_OK;
refused:
	(void)err_set(err, ERR_PERMANENT,
	    "%s refuses SOP class %s in transfer syntax %s", c->called_aet,
	    part10->sop_class, part10->transfer_syntax);
	return LANE_CONTEXT_REFUSED;
}

enum lane_outcome
connection_probe(struct connection *c, uint16_t message_id, struct err *err)
{
	enum lane_outcome outcome;
	bool echoed;

	if (c->assoc == NULL) {
		outcome = connection_address(c, err);
		if (outcome == LANE_OK)
			outcome = connection_open(c, NULL, err);
		/* It talks to us, and there is nothing yet to offer it. */
		if (outcome == LANE_LINK_REFUSED && c->contexts.n == 0 &&
		    err->class == ERR_PERMANENT && err->sys == 0)
			return LANE_OK;
		if (outcome != LANE_OK)
			return outcome;
	}
	return connection_echo(c, message_id, &echoed, err);
}

enum lane_outcome
connection_address(struct connection *c, struct err *err)
{
	static const struct part10 nobody = {
	    .calling_aet = "ENS-SCU", .called_aet = "ANY-SCP"};
	struct offer_scan scan = {.connection = c};
	enum lane_outcome outcome;

	offer_queued(c, &scan, QUEUE_NEW);
	offer_queued(c, &scan, QUEUE_DEFERRED);
	outcome = resolve_titles(c, scan.has_first ? &scan.first : &nobody,
	    c->calling_aet, c->called_aet, err);
	if (outcome == LANE_UNADDRESSED)
		outcome = resolve_titles(
		    c, &nobody, c->calling_aet, c->called_aet, err);
	return outcome;
}

void
connection_offer(struct connection *c, enum queue_state state)
{
	struct offer_scan scan = {.connection = c};

	offer_queued(c, &scan, state);
}

enum lane_outcome
connection_open(
    struct connection *c, struct requestor_detail *detail, struct err *err)
{
	const struct conf_destination *conf = c->conf;
	const struct requestor_params params = {
	    .host = conf->remote_host,
	    .port = conf->remote_port,
	    .tls = c->tls,
	    .lane_fd = c->lane_fd,
	    .calling_aet = c->calling_aet,
	    .called_aet = c->called_aet,
	    .max_pdu_bytes = conf->max_pdu_bytes,
	    .connect_timeout_ms = conf->connect_timeout_s * MS_PER_S,
	    .associate_timeout_ms = conf->associate_timeout_s * MS_PER_S,
	    .detail = detail,
	};
	struct requestor_context list[REQUESTOR_MAX_CONTEXTS];
	size_t n;

	n = contexts_list(&c->contexts, list);
	c->used = false;
	switch (requestor_associate(&params, list, n, &c->assoc, err)) {
	case REQUESTOR_OK:
		break;
	case REQUESTOR_UNREACHABLE:
	case REQUESTOR_REJECTED:
	case REQUESTOR_FAILED:
		err->class = ERR_TEMPORARY;
		return LANE_LINK_FAILED;
	case REQUESTOR_REJECTED_FOR_GOOD:
		err->class = ERR_TEMPORARY;
		return LANE_LINK_REFUSED;
	case REQUESTOR_NO_CONTEXT:
		err->class = ERR_PERMANENT;
		err->sys = 0;
		return LANE_LINK_REFUSED;
	}
	c->proposed_n = c->contexts.n;
	if (!is_whom_we_mean(c, err)) {
		if (detail != NULL)
			detail->trouble = REQUESTOR_OTHER_PEER;
		return LANE_LINK_REFUSED;
	}
	LOG(LOG_LEVEL_DEBUG, "associated", LOG_STR("destination", conf->name),
	    LOG_STR("calling", c->calling_aet),
	    LOG_STR("called", c->called_aet), LOG_INT("contexts", n),
	    LOG_STR("tls", assoc_tls(c->assoc)));
	return LANE_OK;
}

enum lane_outcome
connection_echo(
    struct connection *c, uint16_t message_id, bool *echoed, struct err *err)
{
	int timeout_ms = c->conf->associate_timeout_s * MS_PER_S;
	struct command command = {.field = COMMAND_C_ECHO_RQ,
	    .has_message_id = true,
	    .message_id = message_id,
	    .has_data_set_type = true,
	    .data_set_type = COMMAND_NO_DATA_SET,
	    .has_sop_class = true};
	uint8_t id, answered_id;

	id = requestor_find_context(
	    c->assoc, COMMAND_VERIFICATION_CLASS, CONTEXTS_VERIFICATION_SYNTAX);
	*echoed = id != 0;
	if (id == 0)
		return LANE_OK;
	(void)strcpy(command.sop_class, COMMAND_VERIFICATION_CLASS);
	if (dimse_send_command(c->assoc, id, &command, timeout_ms, err) == -1)
		goto broken;
	if (dimse_read_command(
		c->assoc, timeout_ms, &command, &answered_id, err) != ASSOC_PDV)
		goto broken;
	if (command.field == COMMAND_C_ECHO_RSP && answered_id == id &&
	    command.message_id == message_id && command.has_status) {
		c->used = true;
		return LANE_OK;
	}
	(void)err_set(err, ERR_TEMPORARY,
	    "C-ECHO was not answered with an "
	    "answer to it");
broken:
	connection_abort(c);
	return LANE_LINK_FAILED;
}

void
connection_serve_idle(struct connection *c)
{
	struct assoc_pdv pdv;
	struct err err;

	switch (assoc_read_pdv(c->assoc, IDLE_READ_MS, &pdv, &err)) {
	case ASSOC_RELEASE:
		(void)assoc_answer_release(c->assoc, &err);
		assoc_close(&c->assoc);
		break;
	case ASSOC_ABORTED:
	case ASSOC_CLOSED:
		assoc_close(&c->assoc);
		break;
	case ASSOC_PDV: /* nobody asked */
	case ASSOC_BROKEN:
		LOG(LOG_LEVEL_WARNING, "unasked-message",
		    LOG_STR("destination", c->conf->name));
		connection_abort(c);
		break;
	case ASSOC_TIMEOUT:
		break;
	}
}

void
connection_release(struct connection *c)
{
	struct err err;

	if (c->assoc == NULL)
		return;
	if (assoc_release(c->assoc, RELEASE_TIMEOUT_MS, &err) == -1)
		LOG(LOG_LEVEL_DEBUG, "release-failed",
		    LOG_STR("destination", c->conf->name),
		    LOG_STR("reason", err.text));
	assoc_close(&c->assoc);
}

void
connection_abort(struct connection *c)
{
	if (c->assoc == NULL)
		return;
	assoc_abort(c->assoc);
	assoc_close(&c->assoc);
}

static enum lane_outcome
resolve_titles(struct connection *c, const struct part10 *part10,
    char calling[ENVELOPE_AET_SIZE], char called[ENVELOPE_AET_SIZE],
    struct err *err)
{
	if (resolve_title(c->conf->local_aet, part10, calling) == 0 &&
	    resolve_title(c->conf->remote_aet, part10, called) == 0)
		return LANE_OK;
	(void)err_set(err, ERR_PERMANENT,
	    "the item does not say which AE titles it came with, which %s "
	    "is configured to pass on",
	    c->conf->name);
	return LANE_UNADDRESSED;
}

static int
resolve_title(const char *setting, const struct part10 *part10,
    char out[ENVELOPE_AET_SIZE])
{
	const char *title = setting;

	if (strcmp(setting, "%calling") == 0)
		title = part10->calling_aet;
	else if (strcmp(setting, "%called") == 0)
		title = part10->called_aet;
	if (title[0] == '\0')
		return -1;
	(void)snprintf(out, ENVELOPE_AET_SIZE, "%s", title);
	return 0;
}

/*
 * Whether the association that is there settles it: with *context_id, or 0
 * where it proposed this one and it was refused.
 */
static bool
can_carry(struct connection *c, const struct part10 *part10,
    const char *calling, const char *called, uint8_t *context_id)
{
	if (c->assoc == NULL || strcmp(c->calling_aet, calling) != 0 ||
	    strcmp(c->called_aet, called) != 0)
		return false;
	*context_id = requestor_find_context(
	    c->assoc, part10->sop_class, part10->transfer_syntax);
	if (*context_id == 0)
		return was_proposed(c, part10);
	contexts_use(&c->contexts, part10->sop_class, part10->transfer_syntax);
	return true;
}

static bool
was_proposed(const struct connection *c, const struct part10 *part10)
{
	const struct contexts_pair *pair;
	size_t i;

	for (i = 0; i < c->proposed_n; i++) {
		pair = &c->contexts.pair[i];
		if (strcmp(pair->sop_class, part10->sop_class) == 0 &&
		    strcmp(pair->transfer_syntax, part10->transfer_syntax) == 0)
			return true;
	}
	return false;
}

static void
offer_queued(
    struct connection *c, struct offer_scan *scan, enum queue_state state)
{
	char path[PATH_SIZE];

	scan->state = state;
	scan->left = OFFERS_MAX;
	path_state(path, c->conf->name, state);
	(void)fs_scan(c->spool->root_fd, path, offer_item, scan, NULL);
}

static int
offer_item(void *context, const char *file)
{
	struct offer_scan *scan = context;
	struct connection *c = scan->connection;
	struct item_reader reader;
	char path[PATH_SIZE];
	struct err ignored; /* gone, or still written: not to be offered */

	if (!name_is_item(file))
		return 0;
	path_item(path, c->conf->name, scan->state, file);
	if (item_reader_open(c->spool, path, &reader, &ignored) == 0) {
		contexts_offer(&c->contexts, reader.part10.sop_class,
		    reader.part10.transfer_syntax);
		if (!scan->has_first)
			scan->first = reader.part10;
		scan->has_first = true;
		item_reader_close(&reader);
	}
	return --scan->left == 0;
}

/* Nothing of an item has been sent so far. */
static bool
is_whom_we_mean(struct connection *c, struct err *err)
{
	const struct peer_certificate *shown = assoc_peer_certificate(c->assoc);

	if (c->tls == NULL ||
	    peer_certificate_matches(&c->conf->tls.peer_certificate, shown))
		return true;
	(void)err_set(err, ERR_TEMPORARY,
	    "TLS: PeerCertificate does not mean the certificate of %.100s (%s)",
	    shown == NULL || shown->names_n == 0 ? "nobody" : shown->names[0],
	    shown == NULL ? "none" : shown->fingerprint);
	connection_abort(c);
	return false;
}
