/*
 * The requestor's side of association establishment.
 *
 * DCMTK connects by itself, to an IPv4 address or to a name's first address,
 * and its time limits are not ours. So the connection is made here, DCMTK is
 * let connect to a socket of this process that listens on the loopback
 * interface, and when it hands that connection over to be used, the real one
 * is put in its place. In a lane, which may neither connect nor listen, these
 * calls do nothing and say that they have (confine_calls.c).
 *
 * Errors: the outcome says whose fault it was; as assoc_dcmtk.cc.
 */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dul.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <unistd.h>

#include "../spool/assoc_private_dcmtk.h"
#include "requestor_dcmtk.h"

extern "C" {
#include "../spool/connect.h"
#include "connector.h"
}

#define REFUSE_MS 2000 /* to release what is of no use */

static enum requestor_outcome associate(const struct requestor_params *params,
    const struct requestor_context *contexts, size_t n, struct assoc **assoc,
    struct requestor_detail *detail, struct err *err);
static int make_parameters(const struct requestor_params *params,
    const struct requestor_context *contexts, size_t n, int port,
    T_ASC_Parameters **out, struct err *err);
static enum requestor_outcome failure(const struct assoc *assoc,
    const OFCondition &cond, struct requestor_detail *detail, struct err *err);
static enum requestor_trouble trouble_of(
    const struct assoc *assoc, const OFCondition &cond);
static enum requestor_outcome rejection(
    const DUL_ASSOCIATESERVICEPARAMETERS *params,
    struct requestor_detail *detail, struct err *err);
static const char *rejection_reason(unsigned source, unsigned reason);
static bool take_accepted(struct assoc *assoc);

extern "C" enum requestor_outcome
requestor_associate(const struct requestor_params *params,
    const struct requestor_context *contexts, size_t n, struct assoc **assoc,
    struct err *err)
{
	enum requestor_outcome outcome = REQUESTOR_FAILED;
	struct requestor_detail local, *detail = params->detail;

	if (detail == nullptr)
		detail = &local;
	*detail = {};
	detail->trouble = REQUESTOR_OURS;
	*assoc = nullptr;
	(void)assoc_guard(err, [&] {
		outcome = associate(params, contexts, n, assoc, detail, err);
		return 0;
	});
	return outcome;
}

extern "C" unsigned
requestor_context_result(const struct assoc *assoc, const char *abstract_syntax,
    const char *transfer_syntax)
{
	unsigned found = ASC_P_NOREASON;

	if (requestor_find_context(assoc, abstract_syntax, transfer_syntax) !=
	    0)
		return ASC_P_ACCEPTANCE;
	assoc_for_each<DUL_PRESENTATIONCONTEXT>(
	    assoc->ul->params->DULparams.requestedPresentationContext,
	    [&](DUL_PRESENTATIONCONTEXT &context) {
		    auto *proposed = static_cast<DUL_TRANSFERSYNTAX *>(
			LST_Head(&context.proposedTransferSyntax));

		    if (proposed != nullptr &&
			context.result != ASC_P_ACCEPTANCE &&
			strcmp(context.abstractSyntax, abstract_syntax) == 0 &&
			strcmp(proposed->transferSyntax, transfer_syntax) == 0)
			    found = context.result;
	    });
	return found;
}

extern "C" const char *
requestor_name_of_uid(const char *uid)
{
	return dcmFindNameOfUID(uid, uid);
}

extern "C" uint8_t
requestor_find_context(const struct assoc *assoc, const char *abstract_syntax,
    const char *transfer_syntax)
{
	unsigned id;

	for (id = 1; id < ASSOC_CONTEXT_IDS; id += 2)
		if (assoc->accepted[id].abstract_syntax != nullptr &&
		    strcmp(assoc->accepted[id].abstract_syntax,
			abstract_syntax) == 0 &&
		    strcmp(assoc->accepted[id].transfer_syntax,
			transfer_syntax) == 0)
			return static_cast<uint8_t>(id);
	return 0;
}

static enum requestor_outcome
associate(const struct requestor_params *params,
    const struct requestor_context *contexts, size_t n, struct assoc **result,
    struct requestor_detail *detail, struct err *err)
{
	auto assoc = std::make_unique<struct assoc>();
	T_ASC_Parameters *ul_params = nullptr;
	OFCondition cond;
	int fd, listener, port;

	fd = params->lane_fd == -1 ? connect_to(params->host, params->port,
					 params->connect_timeout_ms, err)
				   : connector_ask(params->lane_fd,
					 params->connect_timeout_ms, err);
	if (fd == -1) {
		detail->trouble =
		    err->sys == 0 ? REQUESTOR_NO_NAME : REQUESTOR_NO_CONNECTION;
		return REQUESTOR_UNREACHABLE;
	}
	if (assoc->open_network(ASSOC_REQUESTOR, params->max_pdu_bytes,
		params->tls, fd, err) == -1)
		return REQUESTOR_FAILED;
	listener = connect_listen_local(&port, err);
	if (listener == -1)
		return REQUESTOR_FAILED;
	if (make_parameters(params, contexts, n, port, &ul_params, err) == -1) {
		(void)close(listener);
		return REQUESTOR_FAILED;
	}
	assoc->wire.begin_read(params->associate_timeout_ms, 0);
	cond = ASC_requestAssociation(assoc->network, ul_params, &assoc->ul,
	    nullptr, nullptr, DUL_NOBLOCK, 1);
	(void)close(listener);
	if (assoc->ul == nullptr)
		(void)ASC_destroyAssociationParameters(&ul_params);
	if (cond.bad() ||
	    ul_params->DULparams.acceptedPresentationContext == nullptr)
		return failure(assoc.get(), cond, detail, err);
	if (assoc->set_pdv_bytes(ul_params->DULparams.peerMaxPDU, err) == -1) {
		(void)assoc_abort(assoc.get());
		detail->trouble = REQUESTOR_NONSENSE;
		return REQUESTOR_FAILED;
	}
	if (!take_accepted(assoc.get())) {
		(void)assoc_release(assoc.get(), REFUSE_MS, nullptr);
		(void)err_set(err, ERR_PERMANENT,
		    "associate: the peer accepted no presentation context");
		detail->trouble = REQUESTOR_NOTHING_ACCEPTED;
		return REQUESTOR_NO_CONTEXT;
	}
	detail->trouble = REQUESTOR_NO_TROUBLE;
	*result = assoc.release();
	return REQUESTOR_OK;
}

static int
make_parameters(const struct requestor_params *params,
    const struct requestor_context *contexts, size_t n, int port,
    T_ASC_Parameters **out, struct err *err)
{
	char address[32];
	OFCondition cond;
	size_t i;

	if (n > REQUESTOR_MAX_CONTEXTS)
		return err_set(
		    err, ERR_BUG, "%zu presentation contexts are too many", n);
	cond = ASC_createAssociationParameters(
	    out, assoc_clamp_pdu_bytes(params->max_pdu_bytes));
	if (cond.bad())
		return err_set(
		    err, ERR_TEMPORARY, "associate: %s", cond.text());
	assoc_set_implementation(*out);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	cond = ASC_setAPTitles(
	    *out, params->calling_aet, params->called_aet, nullptr);
	if (cond.good())
		cond = ASC_setPresentationAddresses(*out, "localhost", address);
	if (cond.good())
		cond = ASC_setTransportLayerType(*out, params->tls != nullptr);
	for (i = 0; i < n && cond.good(); i++) {
		const char *syntax = contexts[i].transfer_syntax;

		cond = ASC_addPresentationContext(*out,
		    static_cast<T_ASC_PresentationContextID>(2 * i + 1),
		    contexts[i].abstract_syntax, &syntax, 1);
	}
	if (cond.good())
		return 0;
	(void)ASC_destroyAssociationParameters(out);
	return err_set(err, ERR_BUG, "associate: %s", cond.text());
}

static enum requestor_outcome
failure(const struct assoc *assoc, const OFCondition &cond,
    struct requestor_detail *detail, struct err *err)
{
	if (cond == DUL_ASSOCIATIONREJECTED)
		return rejection(&assoc->ul->params->DULparams, detail, err);
	detail->trouble = trouble_of(assoc, cond);
	(void)assoc_failure(assoc, cond, "associate", err);
	/* It will not get better by itself. */
	if (assoc->wire.end == WIRE_TLS)
		return REQUESTOR_REJECTED_FOR_GOOD;
	if (assoc->wire.end != WIRE_OPEN || cond == DUL_READTIMEOUT)
		return REQUESTOR_UNREACHABLE;
	return REQUESTOR_FAILED;
}

static enum requestor_trouble
trouble_of(const struct assoc *assoc, const OFCondition &cond)
{
	switch (assoc->wire.end) {
	case WIRE_OPEN:
		break;
	case WIRE_FIN:
	case WIRE_LOST:
		return REQUESTOR_HUNG_UP;
	case WIRE_STALLED:
		return REQUESTOR_SILENCE;
	case WIRE_TLS:
		return REQUESTOR_NO_TLS;
	case WIRE_FLOOD:
	case WIRE_REFUSED:
		return REQUESTOR_NONSENSE;
	}
	if (cond == DUL_READTIMEOUT)
		return REQUESTOR_SILENCE;
	return cond == DUL_PEERABORTEDASSOCIATION ? REQUESTOR_ABORT
						  : REQUESTOR_NONSENSE;
}

static enum requestor_outcome
rejection(const DUL_ASSOCIATESERVICEPARAMETERS *params,
    struct requestor_detail *detail, struct err *err)
{
	unsigned result = params->result, source = params->resultSource,
		 reason = params->diagnostic;
	bool transient = result == DUL_REJECT_TRANSIENT;

	*detail = {REQUESTOR_REJECTION, result, source, reason};
	(void)err_set(err, transient ? ERR_TEMPORARY : ERR_PERMANENT,
	    "associate: rejected %s (%u/%u/%u): %s",
	    transient ? "for now" : "for good", result, source, reason,
	    rejection_reason(source, reason));
	return transient ? REQUESTOR_REJECTED : REQUESTOR_REJECTED_FOR_GOOD;
}

/* PS3.8 9.3.4 */
static const char *
rejection_reason(unsigned source, unsigned reason)
{
	static const struct {
		unsigned source, reason;
		const char *text;
	} table[] = {
	    {DUL_ULSU_REJECT, 1, "no reason given"},
	    {DUL_ULSU_REJECT, 2, "application context not supported"},
	    {DUL_ULSU_REJECT, 3, "calling AE title not recognized"},
	    {DUL_ULSU_REJECT, 7, "called AE title not recognized"},
	    {DUL_ULSP_ACSE_REJECT, 1, "no reason given by its provider"},
	    {DUL_ULSP_ACSE_REJECT, 2, "protocol version not supported"},
	    {DUL_ULSP_PRESENTATION_REJECT, 1, "temporary congestion"},
	    {DUL_ULSP_PRESENTATION_REJECT, 2, "local limit exceeded"},
	};

	for (const auto &entry : table)
		if (entry.source == source && entry.reason == reason)
			return entry.text;
	return "a reason that DICOM does not know";
}

/* What was accepted as it was proposed; false where nothing was. */
static bool
take_accepted(struct assoc *assoc)
{
	bool any = false;

	assoc_for_each<DUL_PRESENTATIONCONTEXT>(
	    assoc->ul->params->DULparams.requestedPresentationContext,
	    [&](DUL_PRESENTATIONCONTEXT &context) {
		    auto *proposed = static_cast<DUL_TRANSFERSYNTAX *>(
			LST_Head(&context.proposedTransferSyntax));

		    if (context.result != ASC_P_ACCEPTANCE ||
			proposed == nullptr ||
			strcmp(proposed->transferSyntax,
			    context.acceptedTransferSyntax) != 0)
			    return;
		    assoc->accepted[context.presentationContextID] = {
			context.abstractSyntax, context.acceptedTransferSyntax};
		    any = true;
	    });
	return any;
}
