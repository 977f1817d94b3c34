/*
 * An association over DCMTK's upper layer. Only DUL and ASC are used: no data
 * set, no data dictionary. What it carries is in pdu_dcmtk.cc.
 *
 * Errors: ERR_TEMPORARY for what the network did, ERR_CORRUPT for what a peer
 * must not send, ERR_BUG where a caller breaks the contract.
 */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dul.h>
#include <dcmtk/ofstd/ofstd.h>

#include <csignal>
#include <memory>

#include "assoc_private_dcmtk.h"
#include "oflog_dcmtk.h"
#include "transport_dcmtk.h"

extern "C" {
#include "part10.h"
}

#define CONNECT_S	  10 /* to ourselves, see requestor_dcmtk.cc */
#define ABORT_MS	  1000
#define ANSWER_RELEASE_MS 10000
#define BY_USER		  0 /* source of A-ABORT, PS3.8 9.3.8 */
#define BY_PROVIDER	  2
#define PDU_OVERHEAD	  12 /* of the largest PDU; as DCMTK counts */
#define PDV_MIN_BYTES	  2

static int release(struct assoc *assoc, struct err *err);

assoc::~assoc()
{
	if (ul != nullptr)
		(void)ASC_destroyAssociation(&ul);
	if (network != nullptr)
		(void)ASC_dropNetwork(&network);
}

int
assoc::open_network(enum assoc_role role, int max_pdu_bytes, struct tls *tls,
    int substitute, struct err *err)
{
	auto layer = transport_layer(wire, tls, substitute);
	OFCondition cond;

	pdu_bytes = static_cast<size_t>(assoc_clamp_pdu_bytes(max_pdu_bytes));
	cond = ASC_initializeNetwork(
	    role == ASSOC_ACCEPTOR ? NET_ACCEPTOR : NET_REQUESTOR, 0,
	    ASSOC_NETWORK_S, &network);
	if (cond.good())
		cond = ASC_setTransportLayer(network, layer.get(), 1);
	if (cond.bad())
		return err_set(err, ERR_TEMPORARY,
		    "initialize DCMTK's network: %s", cond.text());
	(void)layer.release(); /* it is the network's now */
	return 0; /* NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks) */
}

int
assoc::set_pdv_bytes(unsigned long peer_max_pdu, struct err *err)
{
	size_t most = ASC_MAXIMUMPDUSIZE;

	if (peer_max_pdu != 0 && peer_max_pdu < most)
		most = peer_max_pdu;
	if (most < PDU_OVERHEAD + PDV_MIN_BYTES)
		return err_set(err, ERR_CORRUPT,
		    "the peer's maximum PDU of %zu bytes holds no data", most);
	/* Fragments have an even number of bytes (PS3.8 annex E). */
	pdv_bytes = (most - PDU_OVERHEAD) & ~static_cast<size_t>(1);
	return 0;
}

int
assoc_clamp_pdu_bytes(int max_pdu_bytes)
{
	if (max_pdu_bytes < ASC_MINIMUMPDUSIZE)
		return ASC_MINIMUMPDUSIZE;
	if (max_pdu_bytes > ASC_MAXIMUMPDUSIZE)
		return ASC_MAXIMUMPDUSIZE;
	return max_pdu_bytes & ~1;
}

void
assoc_set_implementation(T_ASC_Parameters *params)
{
	OFStandard::strlcpy(params->ourImplementationClassUID,
	    PART10_IMPLEMENTATION_UID,
	    sizeof(params->ourImplementationClassUID));
	OFStandard::strlcpy(params->ourImplementationVersionName,
	    PART10_IMPLEMENTATION_VERSION,
	    sizeof(params->ourImplementationVersionName));
}

int
assoc_failure(const struct assoc *assoc, const OFCondition &cond,
    const char *doing, struct err *err)
{
	wire_end end = assoc->wire.end;

	if (end != WIRE_OPEN) {
		(void)err_set(err,
		    end == WIRE_TLS || end == WIRE_FLOOD || end == WIRE_REFUSED
			? ERR_CORRUPT
			: ERR_TEMPORARY,
		    "%s: %s%s", doing, end == WIRE_TLS ? "TLS: " : "",
		    assoc->wire.reason());
		if (err != nullptr)
			err->sys = assoc->wire.error;
		return -1;
	}
	if (cond == DUL_READTIMEOUT)
		return err_set(
		    err, ERR_TEMPORARY, "%s: nothing came in time", doing);
	if (cond == DUL_PEERABORTEDASSOCIATION)
		return err_set(err, ERR_TEMPORARY,
		    "%s: the peer aborted (source %u, reason %u)", doing,
		    static_cast<unsigned>(assoc->wire.tail[2]),
		    static_cast<unsigned>(assoc->wire.tail[3]));
	return err_set(err, ERR_CORRUPT, "%s: %s", doing,
	    cond.good() ? "a PDU that is out of place" : cond.text());
}

void
assoc_for_each_node(LST_HEAD *list, const std::function<void(void *)> &f)
{
	void *node;

	if (list == nullptr)
		return;
	node = LST_Head(&list);
	if (node != nullptr)
		(void)LST_Position(&list, node);
	for (; node != nullptr; node = LST_Next(&list))
		f(node);
}

extern "C" int
assoc_init(struct err *err)
{
	return assoc_guard(err, [] {
		(void)signal(SIGPIPE, SIG_IGN);
		dcmDisableGethostbyaddr.set(OFTrue);
		dcmConnectionTimeout.set(CONNECT_S);
		/* The wire never blocks in a call. */
		dcmSocketSendTimeout.set(-1);
		dcmSocketReceiveTimeout.set(-1);
		oflog_redirect();
		return 0;
	});
}

extern "C" int
assoc_fd(const struct assoc *assoc)
{
	return assoc->wire.fd;
}

extern "C" size_t
assoc_pdv_bytes(const struct assoc *assoc)
{
	return assoc->pdv_bytes;
}

extern "C" const char *
assoc_abstract_syntax(const struct assoc *assoc, uint8_t id)
{
	return assoc->accepted[id].abstract_syntax;
}

extern "C" const char *
assoc_transfer_syntax(const struct assoc *assoc, uint8_t id)
{
	return assoc->accepted[id].transfer_syntax;
}

extern "C" void
assoc_poll_any(struct assoc *assoc, bool any)
{
	if (assoc->wire.session == nullptr)
		assoc->wire.set_low(any ? 1 : Wire::BEYOND_HEADS);
}

extern "C" void
assoc_poll_was_in_vain(struct assoc *assoc)
{
	assoc->wire.look_for_pieces();
}

extern "C" bool
assoc_arrived(struct assoc *assoc)
{
	bool arrived = true;

	if (assoc->wire.session == nullptr)
		return true;
	(void)assoc_guard(nullptr, [&] {
		arrived = assoc->wire.arrived(0) || assoc->wire.pending();
		return 0;
	});
	return arrived;
}

extern "C" const char *
assoc_tls(const struct assoc *assoc)
{
	return assoc->wire.session == nullptr ? ""
					      : assoc->wire.session->protocol();
}

extern "C" const struct peer_certificate *
assoc_peer_certificate(const struct assoc *assoc)
{
	return assoc->wire.session == nullptr ? nullptr
					      : assoc->wire.session->peer();
}

extern "C" int
assoc_release(struct assoc *assoc, int timeout_ms, struct err *err)
{
	return assoc_guard(err, [=] {
		assoc->wire.begin_read(timeout_ms, 0);
		return release(assoc, err);
	});
}

extern "C" int
assoc_answer_release(struct assoc *assoc, struct err *err)
{
	return assoc_guard(err, [=] {
		OFCondition cond;

		assoc->wire.begin_write(ANSWER_RELEASE_MS);
		cond = ASC_acknowledgeRelease(assoc->ul);
		return cond.good()
			   ? 0
			   : assoc_failure(assoc, cond, "answer release", err);
	});
}

extern "C" void
assoc_abort(struct assoc *assoc)
{
	(void)assoc_guard(nullptr, [=] {
		if (assoc->wire.fd == -1)
			return 0;
		/* To a PDU that was cut off nothing can be added. */
		if (!assoc->wire.torn) {
			assoc->wire.begin_write(ABORT_MS);
			assoc->wire.hung_up = true;
			(void)assoc->wire.write_abort(
			    assoc->invalid_pdu == 0 ? BY_USER : BY_PROVIDER,
			    assoc->invalid_pdu);
		}
		assoc->wire.drain(ABORT_MS);
		assoc->spoiled = true;
		return 0;
	});
}

extern "C" void
assoc_close(struct assoc **assoc)
{
	(void)assoc_guard(nullptr, [=] {
		delete *assoc;
		return 0;
	});
	*assoc = nullptr;
}

static int
release(struct assoc *assoc, struct err *err)
{
	OFCondition cond = ASC_releaseAssociation(assoc->ul);

	if (cond.good())
		return 0;
	/* Both asked at once (PS3.8 9.2.3, states 9 to 12). */
	if (cond == DUL_PEERREQUESTEDRELEASE) {
		(void)ASC_acknowledgeRelease(assoc->ul);
		return 0;
	}
	return assoc_failure(assoc, cond, "release", err);
}
