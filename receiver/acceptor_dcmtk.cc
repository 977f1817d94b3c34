/*
 * The acceptor's side of association establishment.
 *
 * Errors: as assoc_dcmtk.cc.
 */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dul.h>

#include <cstring>
#include <memory>
#include <unistd.h>

#include "../spool/assoc_private_dcmtk.h"
#include "acceptor_dcmtk.h"

extern "C" {
#include "precheck.h"
}

#define DRAIN_MS   1000 /* for a rejected peer to close */
#define ABORT_MS   1000
#define CALLED_AT  10 /* in the request, PS3.8 9.3.2 */
#define CALLING_AT 26

static const uint8_t abort_pdu[] = {7, 0, 0, 0, 0, 4, 0, 0, 0, 0};

static int receive(int fd, struct tls *tls, int max_pdu_bytes, int artim_ms,
    struct assoc **assoc, struct err *err);
static bool look_at_request(Wire &wire);
static bool has_request(const struct assoc *assoc);
static void refuse_request(Wire &wire, bool exceeds);
static void abort_request(struct assoc *assoc, const OFCondition &cond);
static void copy_title(char out[17], const uint8_t *title);
static DUL_ASSOCIATESERVICEPARAMETERS *parameters(const struct assoc *assoc);
static const DUL_PRESENTATIONCONTEXT *proposed_context(
    const struct assoc *assoc, size_t index);
static int acknowledge(struct assoc *assoc, struct err *err);

extern "C" int
acceptor_receive(int fd, struct tls *tls, int max_pdu_bytes, int artim_ms,
    struct assoc **assoc, struct err *err)
{
	*assoc = nullptr;
	return assoc_guard(err, [=] {
		return receive(fd, tls, max_pdu_bytes, artim_ms, assoc, err);
	});
}

extern "C" const char *
acceptor_calling_aet(const struct assoc *assoc)
{
	return assoc->calling_aet;
}

extern "C" const char *
acceptor_called_aet(const struct assoc *assoc)
{
	return assoc->called_aet;
}

extern "C" bool
acceptor_is_dicom(const struct assoc *assoc)
{
	return strcmp(parameters(assoc)->applicationContextName,
		   UID_StandardApplicationContext) == 0;
}

extern "C" size_t
acceptor_contexts(const struct assoc *assoc)
{
	size_t n = 0;

	(void)assoc_guard(nullptr, [&] {
		assoc_for_each<DUL_PRESENTATIONCONTEXT>(
		    parameters(assoc)->requestedPresentationContext,
		    [&](const DUL_PRESENTATIONCONTEXT &) { n++; });
		return 0;
	});
	return n;
}

extern "C" int
acceptor_get_context(struct assoc *assoc, size_t index,
    struct acceptor_context *context, struct err *err)
{
	return assoc_guard(err, [=] {
		const DUL_PRESENTATIONCONTEXT *proposed;

		proposed = proposed_context(assoc, index);
		if (proposed == nullptr)
			return err_set(err, ERR_BUG,
			    "there is no presentation context %zu", index);
		assoc->transfer_syntaxes.clear();
		assoc_for_each<DUL_TRANSFERSYNTAX>(
		    proposed->proposedTransferSyntax,
		    [=](const DUL_TRANSFERSYNTAX &syntax) {
			    assoc->transfer_syntaxes.push_back(
				syntax.transferSyntax);
		    });
		context->id = proposed->presentationContextID;
		context->abstract_syntax = proposed->abstractSyntax;
		context->transfer_syntaxes = assoc->transfer_syntaxes.data();
		context->transfer_syntaxes_n = assoc->transfer_syntaxes.size();
		return 0;
	});
}

extern "C" int
acceptor_accept_context(struct assoc *assoc, uint8_t id,
    const char *transfer_syntax, struct err *err)
{
	return assoc_guard(err, [=] {
		OFCondition cond = ASC_acceptPresentationContext(
		    assoc->ul->params, id, transfer_syntax);

		return cond.good()
			   ? 0
			   : assoc_failure(assoc, cond, "accept context", err);
	});
}

extern "C" int
acceptor_refuse_context(
    struct assoc *assoc, uint8_t id, int result, struct err *err)
{
	return assoc_guard(err, [=] {
		OFCondition cond =
		    ASC_refusePresentationContext(assoc->ul->params, id,
			static_cast<T_ASC_P_ResultReason>(result));

		return cond.good()
			   ? 0
			   : assoc_failure(assoc, cond, "refuse context", err);
	});
}

extern "C" int
acceptor_acknowledge(struct assoc *assoc, struct err *err)
{
	return assoc_guard(err, [=] { return acknowledge(assoc, err); });
}

extern "C" int
acceptor_reject(
    struct assoc *assoc, int result, int source, int reason, struct err *err)
{
	return assoc_guard(err, [=] {
		const T_ASC_RejectParameters rejection = {
		    static_cast<T_ASC_RejectParametersResult>(result),
		    static_cast<T_ASC_RejectParametersSource>(source),
		    static_cast<T_ASC_RejectParametersReason>(reason)};
		OFCondition cond;

		cond = ASC_rejectAssociation(assoc->ul, &rejection);
		if (cond.bad())
			return assoc_failure(assoc, cond, "reject", err);
		assoc->wire.drain(DRAIN_MS);
		return 0;
	});
}

static int
receive(int fd, struct tls *tls, int max_pdu_bytes, int artim_ms,
    struct assoc **result, struct err *err)
{
	auto assoc = std::make_unique<struct assoc>();
	OFCondition cond;
	int rc;

	if (fd <= 0)
		return err_set(
		    err, ERR_BUG, "descriptor %d is none for DCMTK", fd);
	/* Set before DCMTK's network is, or that would listen itself. */
	dcmExternalSocketHandle.set(fd);
	assoc->wire.begin_read(artim_ms, 0);
	assoc->wire.most = PRECHECK_HEADER + PRECHECK_BYTES;
	assoc->wire.examine = look_at_request;
	rc = assoc->open_network(ASSOC_ACCEPTOR, max_pdu_bytes, tls, -1, err);
	if (rc == 0)
		cond = ASC_receiveAssociation(assoc->network, &assoc->ul,
		    assoc_clamp_pdu_bytes(max_pdu_bytes), nullptr, nullptr,
		    tls != nullptr, DUL_NOBLOCK, 1);
	dcmExternalSocketHandle.set(-1);
	if (!assoc->wire.attached)
		(void)close(fd);
	if (rc == -1)
		return -1;
	if (cond.bad() || !has_request(assoc.get())) {
		abort_request(assoc.get(), cond);
		return assoc_failure(
		    assoc.get(), cond, "receive association request", err);
	}
	copy_title(assoc->calling_aet, assoc->wire.start + CALLING_AT);
	copy_title(assoc->called_aet, assoc->wire.start + CALLED_AT);
	*result = assoc.release();
	return 0;
}

/* Where not all of it comes, DCMTK reads what there is. */
static bool
look_at_request(Wire &wire)
{
	struct precheck found = {};
	size_t bytes;

	if (!wire.gather(PRECHECK_HEADER))
		return true;
	if (precheck_header(wire.in.data() + wire.in_at, &bytes, &found) &&
	    (bytes == 0 || !wire.gather(PRECHECK_HEADER + bytes) ||
		precheck_body(wire.in.data() + wire.in_at + PRECHECK_HEADER,
		    bytes, &found)))
		return true;
	wire.refusal = found.why;
	refuse_request(wire, found.exceeds);
	return false;
}

/* PS3.8 9.2.3: AA-1, or AE-6 for what is right, but too much. DCMTK closes the
 * connection when it can read no more. */
static void
refuse_request(Wire &wire, bool exceeds)
{
	static const uint8_t reject[] = {3, 0, 0, 0, 0, 4, 0,
	    ACCEPTOR_PERMANENT, ACCEPTOR_BY_PRESENTATION,
	    ACCEPTOR_LIMIT_EXCEEDED};

	wire.begin_write(ABORT_MS);
	if (exceeds ? wire.write(reject, sizeof(reject))
		    : wire.write(abort_pdu, sizeof(abort_pdu)))
		wire.drain(DRAIN_MS);
}

/* To DCMTK an abort or a closed connection in place of the request is no
 * error. */
static bool
has_request(const struct assoc *assoc)
{
	return assoc->ul != nullptr &&
	       parameters(assoc)->requestedPresentationContext != nullptr;
}

/* PS3.8 9.2.3, AA-1. DCMTK does it for PDUs that are out of place, and closes
 * without a word for those that are none; another protocol version it has
 * rejected. */
static void
abort_request(struct assoc *assoc, const OFCondition &cond)
{
	Wire &wire = assoc->wire;

	if (cond.good() || cond == DUL_READTIMEOUT ||
	    cond == DUL_UNSUPPORTEDPEERPROTOCOL ||
	    cond == DUL_PEERABORTEDASSOCIATION || wire.fd == -1 || wire.torn ||
	    (wire.end != WIRE_OPEN && wire.end != WIRE_FLOOD))
		return;
	wire.begin_write(ABORT_MS);
	if (wire.write(abort_pdu, sizeof(abort_pdu)))
		wire.drain(ABORT_MS);
}

/*
 * From the 16 bytes that came. DCMTK trims the end alone, and takes a title
 * with a NUL inside for what stands before it; here it stays one that is none.
 */
static void
copy_title(char out[17], const uint8_t *title)
{
	size_t size = 16, i;

	while (size > 0 && (title[size - 1] == ' ' || title[size - 1] == '\0'))
		size--;
	while (size > 0 && title[0] == ' ') {
		title++;
		size--;
	}
	for (i = 0; i < size; i++)
		out[i] =
		    title[i] == '\0' ? '\x7f' : static_cast<char>(title[i]);
	out[size] = '\0';
}

static DUL_ASSOCIATESERVICEPARAMETERS *
parameters(const struct assoc *assoc)
{
	return &assoc->ul->params->DULparams;
}

static const DUL_PRESENTATIONCONTEXT *
proposed_context(const struct assoc *assoc, size_t index)
{
	const DUL_PRESENTATIONCONTEXT *found = nullptr;
	size_t n = 0;

	assoc_for_each<DUL_PRESENTATIONCONTEXT>(
	    parameters(assoc)->requestedPresentationContext,
	    [&](const DUL_PRESENTATIONCONTEXT &context) {
		    if (n++ == index)
			    found = &context;
	    });
	return found;
}

/* Where the peer's maximum PDU is of no use, or it proposed nothing, nothing is
 * sent: the association can still be rejected. */
static int
acknowledge(struct assoc *assoc, struct err *err)
{
	T_ASC_Parameters *params = assoc->ul->params;
	OFCondition cond;

	if (assoc->set_pdv_bytes(params->DULparams.peerMaxPDU, err) == -1)
		return -1;
	if (params->DULparams.acceptedPresentationContext == nullptr)
		return err_set(
		    err, ERR_CORRUPT, "no presentation context to be answered");
	assoc_set_implementation(params);
	/* What DCMTK makes a buffer of, and looks for old versions of itself
	 * in; the limit for what is sent it has kept elsewhere. */
	params->theirMaxPDUReceiveSize = ASC_MINIMUMPDUSIZE;
	cond = ASC_acknowledgeAssociation(assoc->ul);
	if (cond.bad())
		return assoc_failure(
		    assoc, cond, "acknowledge association", err);
	assoc_for_each<DUL_PRESENTATIONCONTEXT>(
	    params->DULparams.acceptedPresentationContext,
	    [=](const DUL_PRESENTATIONCONTEXT &context) {
		    if (context.result == ASC_P_ACCEPTANCE)
			    assoc->accepted[context.presentationContextID] = {
				context.abstractSyntax,
				context.acceptedTransferSyntax};
	    });
	return 0;
}
