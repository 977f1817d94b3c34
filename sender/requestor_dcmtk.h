/*
 * The requestor's side of association establishment (PS3.8 7.1). No policy.
 */
#ifndef DCMSPOOL_REQUESTOR_DCMTK_H
#define DCMSPOOL_REQUESTOR_DCMTK_H

#include <stddef.h>
#include <stdint.h>

#include "../spool/assoc_dcmtk.h"
#include "../spool/tls_dcmtk.h"

#ifdef __cplusplus
extern "C" {
#endif

struct requestor_params {
	const char *host; /* name, IPv4 or IPv6 address */
	int port;
	struct tls *tls; /* NULL = in the clear */
	const char *calling_aet;
	const char *called_aet;
	int lane_fd; /* a lane asks by it for the connection; -1: none does */
	int max_pdu_bytes;
	int connect_timeout_ms;
	int associate_timeout_ms;	 /* from the request to its answer, as a
					    whole */
	struct requestor_detail *detail; /* filled, unless it is NULL */
};

#define REQUESTOR_MAX_CONTEXTS 128 /* odd ids, PS3.8 9.3.2.2 */

struct requestor_context {
	const char *abstract_syntax;
	const char *transfer_syntax; /* one each */
};

/* The same failure, told apart for a person. */
enum requestor_trouble {
	REQUESTOR_NO_TROUBLE,
	REQUESTOR_NO_NAME,	    /* the host's name does not resolve */
	REQUESTOR_NO_CONNECTION,    /* err->sys says why */
	REQUESTOR_NO_TLS,	    /* the handshake, or a certificate */
	REQUESTOR_OTHER_PEER,	    /* its certificate is not who is meant */
	REQUESTOR_HUNG_UP,	    /* it closed, and said nothing */
	REQUESTOR_SILENCE,	    /* it said nothing in time */
	REQUESTOR_ABORT,	    /* A-ABORT */
	REQUESTOR_NONSENSE,	    /* what came is not DICOM */
	REQUESTOR_REJECTION,	    /* A-ASSOCIATE-RJ */
	REQUESTOR_NOTHING_ACCEPTED, /* no presentation context */
	REQUESTOR_OURS
};

struct requestor_detail {
	enum requestor_trouble trouble;
	unsigned result, source, reason; /* of a rejection, PS3.8 9.3.4 */
};

enum requestor_outcome {
	REQUESTOR_OK,		     /* at least one context was accepted */
	REQUESTOR_UNREACHABLE,	     /* name, connect, reset, timeout */
	REQUESTOR_REJECTED,	     /* A-ASSOCIATE-RJ, transient */
	REQUESTOR_REJECTED_FOR_GOOD, /* A-ASSOCIATE-RJ, permanent; TLS failed */
	REQUESTOR_NO_CONTEXT,	     /* accepted, with no context at all;
					aborted or released again */
	REQUESTOR_FAILED	     /* aborted, protocol error, or ours */
};

/* *assoc is set for REQUESTOR_OK only; else *err has the reason in words. */
enum requestor_outcome requestor_associate(
    const struct requestor_params *params,
    const struct requestor_context *contexts, size_t n, struct assoc **assoc,
    struct err *err);

/* The id of the accepted context with both, or 0 (ids are odd). */
uint8_t requestor_find_context(const struct assoc *assoc,
    const char *abstract_syntax, const char *transfer_syntax);

/* What a peer said to a context that was proposed (PS3.8 9.3.3.2): 0 taken, 1
 * to 4 refused; 2 also where it was taken in another way, or not proposed. */
unsigned requestor_context_result(const struct assoc *assoc,
    const char *abstract_syntax, const char *transfer_syntax);

/* "CTImageStorage" for a UID of DICOM's; the UID for another. */
const char *requestor_name_of_uid(const char *uid);

#ifdef __cplusplus
}
#endif

#endif
