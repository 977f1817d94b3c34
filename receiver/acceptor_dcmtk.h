/*
 * The acceptor's side of association establishment (PS3.8 7.1). No policy:
 * who calls decides what is accepted.
 */
#ifndef DCMSPOOL_ACCEPTOR_DCMTK_H
#define DCMSPOOL_ACCEPTOR_DCMTK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../spool/assoc_dcmtk.h"
#include "../spool/tls_dcmtk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* PS3.8 9.3.4 */
#define ACCEPTOR_PERMANENT	 1
#define ACCEPTOR_TRANSIENT	 2
#define ACCEPTOR_BY_USER	 1
#define ACCEPTOR_BY_ACSE	 2
#define ACCEPTOR_BY_PRESENTATION 3
#define ACCEPTOR_NO_REASON	 1
#define ACCEPTOR_APPLICATION	 2
#define ACCEPTOR_CALLING_UNKNOWN 3
#define ACCEPTOR_CALLED_UNKNOWN	 7
#define ACCEPTOR_LIMIT_EXCEEDED	 2

/* PS3.8 9.3.3.2: result of a presentation context that is refused */
#define ACCEPTOR_ABSTRACT_NOT_SUPPORTED 3
#define ACCEPTOR_TRANSFER_NOT_SUPPORTED 4

struct acceptor_context {
	uint8_t id;
	const char *abstract_syntax;
	const char *const *transfer_syntaxes; /* valid until the next call */
	size_t transfer_syntaxes_n;
};

/*
 * Reads the A-ASSOCIATE-RQ from a connected socket within artim_ms, counted as
 * a whole, behind a TLS handshake where tls is not NULL. Consumes fd, also on
 * failure; it must not be 0.
 */
int acceptor_receive(int fd, struct tls *tls, int max_pdu_bytes, int artim_ms,
    struct assoc **assoc, struct err *err);

/* Trimmed, at most 16 characters, as they came but for a NUL inside, which
 * becomes another control character; not checked. */
const char *acceptor_calling_aet(const struct assoc *assoc);
const char *acceptor_called_aet(const struct assoc *assoc);

/* Whether the application context is the one of DICOM (PS3.8 annex A). */
bool acceptor_is_dicom(const struct assoc *assoc);

size_t acceptor_contexts(const struct assoc *assoc);
int acceptor_get_context(struct assoc *assoc, size_t index,
    struct acceptor_context *context, struct err *err);

/* Each context is accepted or refused once, then acknowledge or reject. */
int acceptor_accept_context(struct assoc *assoc, uint8_t id,
    const char *transfer_syntax, struct err *err);
int acceptor_refuse_context(
    struct assoc *assoc, uint8_t id, int result, struct err *err);

/* -1 and ERR_CORRUPT also where the peer proposed nothing or takes no data:
 * then nothing was sent, and it can be rejected. */
int acceptor_acknowledge(struct assoc *assoc, struct err *err);
/* Does not wait longer than 1 s for the peer to close; then close. */
int acceptor_reject(
    struct assoc *assoc, int result, int source, int reason, struct err *err);

#ifdef __cplusplus
}
#endif

#endif
