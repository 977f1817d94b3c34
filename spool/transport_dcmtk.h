/*
 * The transport under DCMTK's upper layer: deadlines, acknowledgements and
 * whole writes that it does not have itself. Private to *_dcmtk.cc.
 */
#ifndef DCMSPOOL_TRANSPORT_DCMTK_H
#define DCMSPOOL_TRANSPORT_DCMTK_H

#include "c_headers_dcmtk.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>

#include <memory>

#include <sys/uio.h>

#include "tls_session_dcmtk.h"

enum wire_end {
	WIRE_OPEN,
	WIRE_FIN,     /* the peer closed */
	WIRE_LOST,    /* reset, unreachable …: errno in `error` */
	WIRE_STALLED, /* a deadline passed inside a PDU, or while writing */
	WIRE_TLS,     /* TLS failed, or the peer's certificate */
	WIRE_FLOOD    /* more bytes came than may */
};

/*
 * What is known of one connection. It belongs to the association and outlives
 * DCMTK's connection, which DCMTK deletes where it likes.
 */
struct Wire {
	static constexpr size_t HEAD_SIZE = 24;
	static constexpr int64_t NEVER = INT64_MAX;
	static constexpr int64_t OPERATION = -1; /* its deadline */

	int fd = -1;	       /* closed by DCMTK's connection; -1 then */
	bool attached = false; /* DCMTK had a connection with it */
	std::unique_ptr<TlsSession> session; /* none: in the clear */
	wire_end end = WIRE_OPEN;
	int error = 0;

	int64_t deadline_ms = 0; /* of the read operation, monotonic */
	int rest_ms = 0;	 /* from the first byte; 0 = as before */
	bool begun = false;	 /* something came, in this operation */
	size_t received = 0;	 /* bytes for DCMTK, in this operation */
	size_t most = 0;	 /* of them; 0 = no limit */
	int write_ms = 0;	 /* without progress */
	bool torn = false;	 /* a write failed, perhaps inside a PDU */
	bool hung_up = false;	 /* reads as closed, to keep DCMTK from
				    waiting */

	bool more = false;  /* the next write may wait for the one behind it */
	bool joins = false; /* the next write is the head of a PDU: keep it
			       for the one after it */
	uint8_t head[HEAD_SIZE];
	size_t head_size = 0;

	uint8_t tail[4] = {}; /* what was read last, where it was four bytes:
				 the body of an A-ABORT */

	/* Wait up to first_ms for a byte and then up to rest_ms for the whole
	 * of it; rest_ms 0: first_ms is for the whole. */
	void begin_read(int first_ms, int rest_ms);
	void begin_write(int timeout_ms);

	/* The handshake, where there is TLS. */
	bool shake_hands();

	/* Waits for the poll(2) event until the deadline. */
	bool wait(short events, int64_t until_ms) const;
	/* Whether there is something to be read until then: an end, too. */
	bool arrived(int64_t until_ms);
	/* Whether bytes are here that poll(2) does not see. */
	bool pending() const;
	ssize_t read(void *data, size_t size);
	ssize_t write(const void *data, size_t size);

	/* From and to the socket. receive: -1 and EAGAIN where it does not
	 * wait and nothing is there. */
	ssize_t receive(void *data, size_t size, bool waits);
	int send_all(struct iovec *part, size_t parts, bool more_follows);

	/* Ends our side, and waits up to timeout_ms for the peer to end its
	 * own, so that what was sent last is not lost with a reset. */
	void drain(int timeout_ms);

	/* How it ended, for people. */
	const char *reason() const;
};

/* Makes connections that use the wire; secure ones with tls (which may be
 * NULL). */
class WireLayer : public DcmTransportLayer
{
      public:
	/* substitute: a connected socket that takes the place of the one that
	 * DCMTK comes with, or -1; consumed. */
	WireLayer(Wire &wire, struct tls *tls, int substitute);
	~WireLayer() override;

	DcmTransportConnection *createConnection(
	    DcmNativeSocketType fd, OFBool secure) override;

      private:
	Wire &wire;
	struct tls *tls;
	int substitute;
};

#endif
