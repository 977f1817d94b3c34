/*
 * What an association is made of, for the two ways to establish one. Private
 * to *_dcmtk.cc.
 */
#ifndef DCMSPOOL_ASSOC_PRIVATE_DCMTK_H
#define DCMSPOOL_ASSOC_PRIVATE_DCMTK_H

#include "wire_dcmtk.h"

#include <exception>
#include <functional>
#include <new>
#include <vector>

#include "assoc_dcmtk.h"

#define ASSOC_CONTEXT_IDS 256
#define ASSOC_NETWORK_S	  10 /* DCMTK wants one; the wire's hold */

/* DCMTK's, which only *_dcmtk.cc include. */
class LST_HEAD;
class OFCondition;
struct T_ASC_Association;
struct T_ASC_Network;
struct T_ASC_Parameters;

enum assoc_role {
	ASSOC_ACCEPTOR,
	ASSOC_REQUESTOR
};

/* An accepted presentation context; DCMTK's strings, or NULL: not accepted. */
struct assoc_context {
	const char *abstract_syntax = nullptr, *transfer_syntax = nullptr;
};

struct assoc {
	Wire wire;
	T_ASC_Network *network = nullptr;
	T_ASC_Association *ul = nullptr; /* DCMTK's upper layer */

	char calling_aet[17] = "", called_aet[17] = "";

	struct assoc_context accepted[ASSOC_CONTEXT_IDS]; /* by id */

	size_t pdv_bytes = 0;	       /* of a fragment, at most, to the peer */
	size_t pdu_bytes = 0;	       /* of a PDU's body, at most, to us */
	const uint8_t *pdvs = nullptr; /* of the last PDU, not given out yet */
	size_t pdvs_bytes = 0;
	bool spoiled = false;	 /* a PDU was read or written in part */
	uint8_t invalid_pdu = 0; /* why one is none: the reason of A-ABORT */

	/* of acceptor_get_context */
	std::vector<const char *> transfer_syntaxes;

	assoc() = default;
	assoc(const assoc &) = delete;
	assoc &operator=(const assoc &) = delete;
	~assoc();

	/* max_pdu_bytes: of what is sent to us. Takes over substitute (see
	 * transport_layer), also on failure. */
	int open_network(enum assoc_role role, int max_pdu_bytes,
	    struct tls *tls, int substitute, struct err *err);

	/* From the peer's maximum PDU size; 0 is no limit. -1 where no data
	 * would fit. */
	int set_pdv_bytes(unsigned long peer_max_pdu, struct err *err);
};

/* Largest and smallest PDU that DCMTK deals in. */
int assoc_clamp_pdu_bytes(int max_pdu_bytes);

/* Ours, for the association request or answer. */
void assoc_set_implementation(T_ASC_Parameters *params);

/* Why an association was not established, or ended: ERR_TEMPORARY for what
 * the network did, ERR_CORRUPT for what the peer should not have. */
int assoc_failure(const struct assoc *assoc, const OFCondition &cond,
    const char *doing, struct err *err);

/* No exception leaves through a C function. */
template <typename F>
int
assoc_guard(struct err *err, F f) noexcept
{
	try {
		return f();
	} catch (const std::bad_alloc &) {
		return err_set(err, ERR_TEMPORARY, "out of memory");
	} catch (const std::exception &e) {
		return err_set(err, ERR_BUG, "exception: %s", e.what());
	} catch (...) {
		return err_set(err, ERR_BUG, "exception of unknown type");
	}
}

void assoc_for_each_node(LST_HEAD *list, const std::function<void(void *)> &f);

/* Each node of one of DCMTK's lists. */
template <typename T, typename F>
void
assoc_for_each(LST_HEAD *list, F f)
{
	assoc_for_each_node(
	    list, [&](void *node) { f(*static_cast<T *>(node)); });
}

#endif
