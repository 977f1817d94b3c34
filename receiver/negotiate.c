/*
 * Who is let in, and for what.
 *
 * Errors: those of the association.
 */
#include <stdatomic.h>
#include <string.h>

#include "../spool/command.h"
#include "../spool/log.h"
#include "acceptor_dcmtk.h"
#include "negotiate.h"
#include "outage.h"
#include "route.h"
#include "sources.h"
#include "space.h"

struct rejection {
	int result, source, reason;
	const char *why;
};

static const struct rejection address = {
    ACCEPTOR_PERMANENT, ACCEPTOR_BY_USER, ACCEPTOR_NO_REASON, "Peer"};
static const struct rejection certificate = {ACCEPTOR_PERMANENT,
    ACCEPTOR_BY_USER, ACCEPTOR_NO_REASON, "PeerCertificate"};

static const struct rejection *find_rejection(const struct child *child);
static const struct rejection *find_stranger(const struct child *child);
static const struct rejection *find_intruder(const struct child *child);
static const char *certificate_name(const struct child *child);
static int reject(const struct child *child, const struct rejection *rejection,
    struct err *err);
static int answer_contexts(
    const struct child *child, int *accepted, int *refused, struct err *err);
static int answer_context(const struct child *child,
    const struct acceptor_context *context, bool *accepted, struct err *err);
static bool takes_class(const struct child *child, const char *sop_class);

int
negotiate(struct child *child, struct err *err)
{
	static const struct rejection useless = {ACCEPTOR_PERMANENT,
	    ACCEPTOR_BY_USER, ACCEPTOR_NO_REASON, "nothing can be exchanged"};
	const struct rejection *rejection;
	int accepted, refused;

	child->calling_aet = acceptor_calling_aet(child->assoc);
	child->called_aet = acceptor_called_aet(child->assoc);
	child->who = (struct route_peer){child->calling_aet, child->called_aet,
	    child->peer, assoc_peer_certificate(child->assoc)};
	rejection = find_rejection(child);
	if (rejection != NULL)
		return reject(child, rejection, err);
	if (answer_contexts(child, &accepted, &refused, err) == -1)
		return -1;
	if (acceptor_acknowledge(child->assoc, err) == -1) {
		/* Then nothing was sent yet. */
		if (err->class == ERR_CORRUPT)
			return reject(child, &useless, err);
		return -1;
	}
	LOG(LOG_LEVEL_INFO, "associated",
	    LOG_STR("association", child->association),
	    LOG_STR("peer", child->peer),
	    LOG_STR("calling", child->calling_aet),
	    LOG_STR("called", child->called_aet), LOG_INT("contexts", accepted),
	    LOG_INT("refused", refused),
	    LOG_STR("tls", assoc_tls(child->assoc)),
	    LOG_STR("certificate", certificate_name(child)));
	return 1;
}

/* NULL: it is let in. */
static const struct rejection *
find_rejection(const struct child *child)
{
	static const struct rejection stopping = {ACCEPTOR_TRANSIENT,
	    ACCEPTOR_BY_PRESENTATION, ACCEPTOR_NO_REASON, "stopping"};
	static const struct rejection limit = {ACCEPTOR_TRANSIENT,
	    ACCEPTOR_BY_PRESENTATION, ACCEPTOR_LIMIT_EXCEEDED,
	    "MaxAssociations"};
	static const struct rejection peer_limit = {ACCEPTOR_TRANSIENT,
	    ACCEPTOR_BY_PRESENTATION, ACCEPTOR_LIMIT_EXCEEDED,
	    "MaxAssociationsPerPeer"};
	static const struct rejection space = {ACCEPTOR_TRANSIENT,
	    ACCEPTOR_BY_PRESENTATION, ACCEPTOR_NO_REASON, "out of space"};
	static const struct rejection peer_space = {ACCEPTOR_TRANSIENT,
	    ACCEPTOR_BY_PRESENTATION, ACCEPTOR_NO_REASON,
	    "MaxQueueBytesPerPeer"};
	static const struct rejection application = {ACCEPTOR_PERMANENT,
	    ACCEPTOR_BY_USER, ACCEPTOR_APPLICATION, "application context"};
	static const struct rejection called = {ACCEPTOR_PERMANENT,
	    ACCEPTOR_BY_USER, ACCEPTOR_CALLED_UNKNOWN, "called AE title"};
	static const struct rejection calling = {ACCEPTOR_PERMANENT,
	    ACCEPTOR_BY_USER, ACCEPTOR_CALLING_UNKNOWN, "calling AE title"};
	static const struct rejection down = {ACCEPTOR_TRANSIENT,
	    ACCEPTOR_BY_PRESENTATION, ACCEPTOR_NO_REASON, "link down"};
	const struct conf_receiver *receiver = &child->conf->receiver;
	const struct rejection *rejection;

	if (child->mode == CHILD_REJECT_STOPPING ||
	    shared_is_stopping(child->shared))
		return &stopping;
	if (child->mode == CHILD_REJECT_LIMIT)
		return &limit;
	if (child->mode == CHILD_REJECT_PEER_LIMIT)
		return &peer_limit;
	rejection = find_stranger(child);
	if (rejection != NULL)
		return rejection;
	if (space_is_short(child))
		return &space;
	if (sources_is_full(child->shared, receiver, child->peer))
		return &peer_space;
	if (!acceptor_is_dicom(child->assoc))
		return &application;
	if (!route_title_matches(&receiver->local_aet, child->called_aet))
		return &called;
	if (!route_title_matches(&receiver->remote_aet, child->calling_aet))
		return &calling;
	rejection = find_intruder(child);
	if (rejection != NULL)
		return rejection;
	if (outage_rejects(child))
		return &down;
	return NULL;
}

/* Whom the receiver does not let in at all. */
static const struct rejection *
find_stranger(const struct child *child)
{
	const struct conf_receiver *receiver = &child->conf->receiver;

	if (child->mode == CHILD_REJECT_ADDRESS ||
	    !peer_address_matches(&receiver->peer, child->peer))
		return &address;
	if (receiver->tls.on &&
	    !peer_certificate_matches(
		&receiver->tls.peer_certificate, child->who.certificate))
		return &certificate;
	return NULL;
}

/* Who has no right to the AE titles that it comes with. */
static const struct rejection *
find_intruder(const struct child *child)
{
	switch (route_welcomes(child->conf, &child->who)) {
	case ROUTE_NOT_FROM_THERE:
		return &address;
	case ROUTE_NOT_WITH_THAT:
		return &certificate;
	case ROUTE_WELCOME:
		break;
	}
	return NULL;
}

static int
reject(const struct child *child, const struct rejection *rejection,
    struct err *err)
{
	LOG(LOG_LEVEL_WARNING, "rejected",
	    LOG_STR("association", child->association),
	    LOG_STR("peer", child->peer),
	    LOG_STR("calling", child->calling_aet),
	    LOG_STR("called", child->called_aet),
	    LOG_INT("result", rejection->result),
	    LOG_INT("source", rejection->source),
	    LOG_INT("reason", rejection->reason),
	    LOG_STR("why", rejection->why),
	    LOG_STR("certificate", certificate_name(child)));
	return acceptor_reject(child->assoc, rejection->result,
	    rejection->source, rejection->reason, err);
}

static int
answer_contexts(
    const struct child *child, int *accepted, int *refused, struct err *err)
{
	size_t n = acceptor_contexts(child->assoc), i;
	struct acceptor_context context;
	bool is_accepted;

	*accepted = *refused = 0;
	for (i = 0; i < n; i++) {
		if (acceptor_get_context(child->assoc, i, &context, err) ==
			-1 ||
		    answer_context(child, &context, &is_accepted, err) == -1)
			return -1;
		*accepted += is_accepted;
		*refused += !is_accepted;
	}
	return 0;
}

static int
answer_context(const struct child *child,
    const struct acceptor_context *context, bool *accepted, struct err *err)
{
	const char *syntax;
	int result = ACCEPTOR_ABSTRACT_NOT_SUPPORTED;

	*accepted = false;
	if (takes_class(child, context->abstract_syntax)) {
		syntax = route_transfer_syntax(
		    context->transfer_syntaxes, context->transfer_syntaxes_n);
		if (syntax != NULL) {
			*accepted = true;
			return acceptor_accept_context(
			    child->assoc, context->id, syntax, err);
		}
		result = ACCEPTOR_TRANSFER_NOT_SUPPORTED;
	}
	LOG(LOG_LEVEL_INFO, "context-refused",
	    LOG_STR("association", child->association),
	    LOG_STR("class", context->abstract_syntax),
	    LOG_INT("result", result));
	return acceptor_refuse_context(child->assoc, context->id, result, err);
}

static bool
takes_class(const struct child *child, const char *sop_class)
{
	if (strcmp(sop_class, COMMAND_VERIFICATION_CLASS) == 0)
		return true;
	return route_is_storage(child->conf, sop_class) &&
	       route_find(child->conf, &child->who, sop_class) != NULL;
}

static const char *
certificate_name(const struct child *child)
{
	const struct peer_certificate *shown = child->who.certificate;

	if (shown == NULL)
		return "";
	return shown->names_n > 0 ? shown->names[0] : shown->fingerprint;
}
