/*
 * What comes and goes while an association is there. P-DATA-TF PDUs are read
 * and written here, on the wire: to DCMTK's state machine they make no
 * difference (PS3.8 9.2.3, state 6). Command and data set fragments pass as
 * bytes.
 *
 * Errors: as assoc_dcmtk.cc.
 */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/cond.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dul.h>

#include "assoc_private_dcmtk.h"

#define MIN_REST_MS	  1000 /* for the rest of a PDU, at least */
#define PDU_ASSOCIATE_RQ  0x01 /* PS3.8 9.3.1 */
#define PDU_P_DATA	  0x04
#define PDU_RELEASE_RQ	  0x05
#define PDU_ABORT	  0x07
#define SHORT_PDU	  4 /* bytes of those two */
#define PDU_HEADER	  6
#define PDV_HEADER	  6 /* length, context, message control header */
#define UNRECOGNIZED_PDU  1 /* reasons of A-ABORT, PS3.8 9.3.8 */
#define UNEXPECTED_PDU	  2
#define INVALID_PARAMETER 6

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

extern "C" bool
assoc_buffered(struct assoc *assoc)
{
	return assoc->pdvs_bytes > 0 || assoc->wire.pending();
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
			DUL_NOBLOCK, ASSOC_NETWORK_S),
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
