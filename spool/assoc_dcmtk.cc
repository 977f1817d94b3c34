/*
 * An association over DCMTK's upper layer. Only DUL and ASC are used: no data
 * set, no data dictionary. Command and data set fragments pass as bytes.
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

#define CONNECT_S	  10   /* to ourselves, see requestor_dcmtk.cc */
#define NETWORK_S	  10   /* DCMTK wants one; the wire's hold */
#define MIN_REST_MS	  1000 /* for the rest of a PDU, at least */
#define ABORT_MS	  1000
#define ANSWER_RELEASE_MS 10000
#define PDU_ASSOCIATE_RQ  0x01 /* PS3.8 9.3.1 */
#define PDU_P_DATA	  0x04
#define PDU_RELEASE_RQ	  0x05
#define PDU_ABORT	  0x07
#define BY_USER		  0 /* source and reasons of A-ABORT, PS3.8 9.3.8 */
#define BY_PROVIDER	  2
#define UNRECOGNIZED_PDU  1
#define UNEXPECTED_PDU	  2
#define INVALID_PARAMETER 6
#define SHORT_PDU	  4 /* of those two */
#define PDU_HEADER	  6
#define PDV_HEADER	  6  /* length, context, message control header */
#define PDU_OVERHEAD	  12 /* of the largest PDU; as DCMTK counts */
#define PDV_MIN_BYTES	  2

static enum assoc_event ended(
    struct assoc *assoc, const OFCondition &cond, struct err *err);
static enum assoc_event invalid(struct assoc *assoc, uint8_t reason);
static enum assoc_event read_pdu(
    struct assoc *assoc, int timeout_ms, struct err *err);
static enum assoc_event read_other(
    struct assoc *assoc, unsigned kind, size_t size, struct err *err);
static enum assoc_event take_pdv(
    struct assoc *assoc, struct assoc_pdv *pdv, struct err *err);
static int write_pdu(struct assoc *assoc, const struct iovec parts[2],
    int timeout_ms, struct err *err);
static uint32_t get_be32(const uint8_t *at);
static void put_be32(uint8_t *at, uint32_t value);
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
	    role == ASSOC_ACCEPTOR ? NET_ACCEPTOR : NET_REQUESTOR, 0, NETWORK_S,
	    &network);
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

extern "C" bool
assoc_buffered(struct assoc *assoc)
{
	return assoc->pdvs_bytes > 0 || assoc->wire.pending();
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

extern "C" enum assoc_ahead
assoc_look_ahead(struct assoc *assoc)
{
	uint8_t type = 0;
	int there = -1;

	if (assoc->pdvs_bytes > 0)
		return ASSOC_AHEAD_MORE;
	(void)assoc_guard(nullptr, [&] {
		there = assoc->wire.peek(&type);
		return 0;
	});
	if (there == 0)
		return ASSOC_AHEAD_NOTHING;
	return there == -1 || type == PDU_ABORT ? ASSOC_AHEAD_END
						  : ASSOC_AHEAD_MORE;
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

extern "C" enum assoc_event
assoc_read_pdv(
    struct assoc *assoc, int timeout_ms, struct assoc_pdv *pdv, struct err *err)
{
	enum assoc_event event = ASSOC_BROKEN;

	(void)assoc_guard(err, [&] {
		event = assoc->pdvs_bytes > 0
			    ? ASSOC_PDV
			    : read_pdu(assoc, timeout_ms, err);
		if (event == ASSOC_PDV)
			event = take_pdv(assoc, pdv, err);
		return 0;
	});
	return event;
}

extern "C" int
assoc_write_pdv(struct assoc *assoc, uint8_t context_id, bool command,
    bool last, const void *data, size_t size, int timeout_ms, struct err *err)
{
	uint8_t head[PDU_HEADER + PDV_HEADER] = {PDU_P_DATA};

	if (size > assoc->pdv_bytes)
		return err_set(err, ERR_BUG,
		    "a PDV of %zu bytes where the peer takes %zu", size,
		    assoc->pdv_bytes);
	put_be32(head + 2, static_cast<uint32_t>(PDV_HEADER + size));
	put_be32(head + PDU_HEADER, static_cast<uint32_t>(size + 2));
	head[PDU_HEADER + 4] = context_id;
	head[PDU_HEADER + 5] =
	    static_cast<uint8_t>((command ? 1 : 0) | (last ? 2 : 0));
	return assoc_guard(err, [&] {
		const struct iovec parts[2] = {
		    {head, sizeof(head)}, {const_cast<void *>(data), size}};

		return write_pdu(assoc, parts, timeout_ms, err);
	});
}

extern "C" void
assoc_expect_more(struct assoc *assoc)
{
	assoc->wire.more = true;
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

/*
 * FIN, RST and A-ABORT are one to DCMTK, and so are timeouts before and inside
 * a PDU; the wire tells them apart.
 */
static enum assoc_event
ended(struct assoc *assoc, const OFCondition &cond, struct err *err)
{
	const Wire &wire = assoc->wire;

	if (cond == DUL_PEERREQUESTEDRELEASE)
		return ASSOC_RELEASE;
	(void)assoc_failure(assoc, cond, "read", err);
	if (wire.end == WIRE_OPEN && cond == DUL_READTIMEOUT)
		return ASSOC_TIMEOUT;
	assoc->spoiled = true;
	if (wire.end == WIRE_STALLED)
		return ASSOC_TIMEOUT;
	if (wire.end != WIRE_OPEN)
		return ASSOC_CLOSED;
	if (cond == DUL_PEERABORTEDASSOCIATION)
		return ASSOC_ABORTED;
	return invalid(assoc, INVALID_PARAMETER);
}

/* PS3.8 9.2.3, AA-8: it is the provider that aborts then, not its user. */
static enum assoc_event
invalid(struct assoc *assoc, uint8_t reason)
{
	assoc->spoiled = true;
	assoc->invalid_pdu = reason;
	return ASSOC_BROKEN;
}

/*
 * P-DATA-TF PDUs are read and written here, on the wire: to DCMTK's state
 * machine they make no difference (PS3.8 9.2.3, state 6). Every other PDU is
 * left to DCMTK.
 */
static enum assoc_event
read_pdu(struct assoc *assoc, int timeout_ms, struct err *err)
{
	Wire &wire = assoc->wire;
	unsigned kind;
	size_t size;

	if (assoc->spoiled) {
		(void)err_set(
		    err, ERR_CORRUPT, "the association broke off inside a PDU");
		return ASSOC_BROKEN;
	}
	wire.begin_read(
	    timeout_ms, timeout_ms > MIN_REST_MS ? timeout_ms : MIN_REST_MS);
	if (wire.session != nullptr && !wire.arrived(Wire::OPERATION)) {
		if (wire.pending()) /* a part of a record */
			wire.end = WIRE_STALLED;
		return ended(assoc, DUL_READTIMEOUT, err);
	}
	if (!wire.gather(PDU_HEADER))
		return ended(assoc, DUL_READTIMEOUT, err);
	kind = wire.in[wire.in_at];
	size = get_be32(wire.in.data() + wire.in_at + 2);
	if (kind != PDU_P_DATA)
		return read_other(assoc, kind, size, err);
	if (size > assoc->pdu_bytes) {
		(void)err_set(err, ERR_CORRUPT,
		    "read: a PDU of %zu bytes, where %zu are the most that may "
		    "be sent to us",
		    size, assoc->pdu_bytes);
		return invalid(assoc, INVALID_PARAMETER);
	}
	if (!wire.gather(PDU_HEADER + size))
		return ended(assoc, DUL_READTIMEOUT, err);
	assoc->pdvs = wire.in.data() + wire.in_at + PDU_HEADER;
	assoc->pdvs_bytes = size;
	wire.in_at += PDU_HEADER + size;
	return ASSOC_PDV;
}

/* The two that have their place in an association are left to DCMTK. */
static enum assoc_event
read_other(struct assoc *assoc, unsigned kind, size_t size, struct err *err)
{
	bool has_place = kind == PDU_RELEASE_RQ || kind == PDU_ABORT;

	if (has_place && size == SHORT_PDU)
		return ended(assoc,
		    DUL_ReadPDVs(&assoc->ul->DULassociation, nullptr,
			DUL_NOBLOCK, NETWORK_S),
		    err);
	(void)err_set(err, ERR_CORRUPT,
	    "read: a PDU of type 0x%02X and %zu bytes, which is %s", kind, size,
	    has_place ? "of a wrong length" : "out of place");
	if (has_place)
		return invalid(assoc, INVALID_PARAMETER);
	return invalid(assoc, kind >= PDU_ASSOCIATE_RQ && kind < PDU_ABORT
				  ? UNEXPECTED_PDU
				  : UNRECOGNIZED_PDU);
}

/* PS3.8 9.3.5.1 and annex E.2 */
static enum assoc_event
take_pdv(struct assoc *assoc, struct assoc_pdv *pdv, struct err *err)
{
	const uint8_t *p = assoc->pdvs;
	size_t left = assoc->pdvs_bytes, size = 0;

	if (left >= PDV_HEADER)
		size = get_be32(p);
	if (size < 2 || size > left - 4) {
		assoc->pdvs_bytes = 0;
		(void)err_set(err, ERR_CORRUPT, "read: a PDV that is none");
		return invalid(assoc, INVALID_PARAMETER);
	}
	pdv->context_id = p[4];
	pdv->command = (p[5] & 1) != 0;
	pdv->last = (p[5] & 2) != 0;
	pdv->data = p + PDV_HEADER;
	pdv->size = size - 2;
	assoc->pdvs += size + 4;
	assoc->pdvs_bytes -= size + 4;
	return ASSOC_PDV;
}

static int
write_pdu(struct assoc *assoc, const struct iovec parts[2], int timeout_ms,
    struct err *err)
{
	if (assoc->wire.torn || assoc->wire.fd == -1)
		return err_set(
		    err, ERR_TEMPORARY, "write: the association is gone");
	assoc->wire.begin_write(timeout_ms);
	if (assoc->wire.write(&parts[0], &parts[1]))
		return 0;
	return assoc_failure(assoc, EC_Normal, "write", err);
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

static uint32_t
get_be32(const uint8_t *at)
{
	return static_cast<uint32_t>(at[0]) << 24 |
	       static_cast<uint32_t>(at[1]) << 16 |
	       static_cast<uint32_t>(at[2]) << 8 | at[3];
}

static void
put_be32(uint8_t *at, uint32_t value)
{
	at[0] = static_cast<uint8_t>(value >> 24);
	at[1] = static_cast<uint8_t>(value >> 16);
	at[2] = static_cast<uint8_t>(value >> 8);
	at[3] = static_cast<uint8_t>(value);
}
