/*
 * An association, once there: PDVs in and out, release, abort. The C face of
 * DCMTK's upper layer for both daemons; no policy. Every socket has
 * TCP_NODELAY and SO_KEEPALIVE, and TCP_QUICKACK before every read.
 */
#ifndef DCMSPOOL_ASSOC_DCMTK_H
#define DCMSPOOL_ASSOC_DCMTK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assoc;
struct peer_certificate;

struct assoc_pdv {
	uint8_t context_id;
	bool command;	     /* else data set */
	bool last;	     /* of its command or data set */
	const uint8_t *data; /* valid until the next call on this association */
	size_t size;
};

enum assoc_event {
	ASSOC_PDV,
	ASSOC_RELEASE, /* the peer asks for release: answer it, then close */
	ASSOC_ABORTED, /* A-ABORT, from the peer or its provider */
	ASSOC_CLOSED,  /* FIN or RST without either */
	ASSOC_TIMEOUT, /* nothing came in time; where no byte of a PDU had
			  been read the association is still good */
	ASSOC_BROKEN   /* a PDU that is none, or out of place: abort */
};

/*
 * Once per process, before the first association: DCMTK's log goes to
 * ours (event "dcmtk", escaped), no reverse look-ups, SIGPIPE ignored.
 */
int assoc_init(struct err *err);

/* Readable means that assoc_read_pdv will not wait for its first byte. */
int assoc_fd(const struct assoc *assoc);

/* The largest fragment the peer takes in one P-DATA-TF PDU, and we send. */
size_t assoc_pdv_bytes(const struct assoc *assoc);

/* UIDs of an accepted presentation context, or NULL. */
const char *assoc_abstract_syntax(const struct assoc *assoc, uint8_t id);
const char *assoc_transfer_syntax(const struct assoc *assoc, uint8_t id);

/*
 * Before a poll(2) of one's own on assoc_fd. any: a byte will do, as A-ABORT
 * and A-RELEASE-RQ are short; else it may sleep on until there is more than the
 * head of a PDU, for a moment in which a message is to be expected.
 */
void assoc_poll_any(struct assoc *assoc, bool any);
/* Behind one that was not for any byte and was in vain: where something is here
 * the peer waits for us to read it, and any byte will do from now on. */
void assoc_poll_was_in_vain(struct assoc *assoc);

/* Whether something is here that needs no reading from the socket. */
bool assoc_buffered(struct assoc *assoc);
/* Whether a socket that is readable has more than TLS's own. */
bool assoc_arrived(struct assoc *assoc);

/* What the peer has sent that was not read yet, without reading it: for one
 * that is to be answered, and may have given up. */
enum assoc_ahead {
	ASSOC_AHEAD_NOTHING,
	ASSOC_AHEAD_END, /* A-ABORT, or the connection's end */
	ASSOC_AHEAD_MORE /* something else, which bars what is behind it */
};
enum assoc_ahead assoc_look_ahead(struct assoc *assoc);

/* "TLSv1.3" and so on, or "" in the clear. */
const char *assoc_tls(const struct assoc *assoc);
/* What the peer has shown, or NULL: none, or in the clear. */
const struct peer_certificate *assoc_peer_certificate(
    const struct assoc *assoc);

/*
 * The next PDV or event. timeout_ms bounds the wait for a PDU's first byte
 * and, again from there but with at least 1 s, for the whole of it. *err says
 * more for all but ASSOC_PDV and ASSOC_RELEASE. After an ASSOC_TIMEOUT inside a
 * PDU the next call says ASSOC_BROKEN.
 */
enum assoc_event assoc_read_pdv(struct assoc *assoc, int timeout_ms,
    struct assoc_pdv *pdv, struct err *err);

/*
 * Sends one PDV as one PDU; size is at most assoc_pdv_bytes. timeout_ms bounds
 * the time without any progress. data is not changed.
 */
int assoc_write_pdv(struct assoc *assoc, uint8_t context_id, bool command,
    bool last, const void *data, size_t size, int timeout_ms, struct err *err);

/*
 * The next PDV will be followed by another at once: it may be kept back until
 * then (MSG_MORE), so that the peer is woken once for both.
 */
void assoc_expect_more(struct assoc *assoc);

/* A-RELEASE-RQ, and the wait for its answer. */
int assoc_release(struct assoc *assoc, int timeout_ms, struct err *err);
/* A-RELEASE-RP, to ASSOC_RELEASE. */
int assoc_answer_release(struct assoc *assoc, struct err *err);
/* A-ABORT; does not wait longer than 1 s for the peer to close. */
void assoc_abort(struct assoc *assoc);
/* Closes the connection, whatever state it is in, and frees. */
void assoc_close(struct assoc **assoc);

#ifdef __cplusplus
}
#endif

#endif
