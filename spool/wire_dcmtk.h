/*
 * One connection's bytes, in the clear or through TLS: the deadlines,
 * acknowledgements and whole writes that DCMTK's own transport does not have.
 * Private to *_dcmtk.cc.
 */
#ifndef DCMSPOOL_WIRE_DCMTK_H
#define DCMSPOOL_WIRE_DCMTK_H

#include "c_headers_dcmtk.h"

#include <memory>
#include <vector>

#include <sys/uio.h>

#include "tls_session_dcmtk.h"

enum wire_end {
	WIRE_OPEN,
	WIRE_FIN,     /* the peer closed */
	WIRE_LOST,    /* reset, unreachable …: errno in `error` */
	WIRE_STALLED, /* a deadline passed inside a PDU, or while writing */
	WIRE_TLS,     /* TLS failed, or the peer's certificate */
	WIRE_FLOOD,   /* more bytes came than may */
	WIRE_REFUSED  /* what came is not to be read: `refusal` says why */
};

/*
 * What is known of one connection. It belongs to the association and outlives
 * DCMTK's connection, which DCMTK deletes where it likes.
 */
struct Wire {
	static constexpr size_t IN_SIZE = 160 * 1024; /* a PDU, and the start
							 of the next */
	static constexpr size_t AHEAD = 16 * 1024;    /* read beyond a PDU */
	static constexpr size_t HELD_SIZE = 4096;
	static constexpr int BEYOND_HEADS = 13; /* DCMTK writes the 12 bytes of
						   a PDU's and a PDV's head
						   apart */
	static constexpr int MOST_USEFUL = 32 * 1024;
	static constexpr int USEFUL_MS = 20; /* without it: any byte will do */
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

	/* What came, and has not been read yet. */
	std::vector<uint8_t> in;
	size_t in_at = 0, in_end = 0;

	/* How many bytes poll(2) waits for: the kernel's, and what would be of
	 * use to who reads now. */
	int low = 1, useful = 1;
	/* The peer holds back the rest until we acknowledge what is here
	 * (Nagle's algorithm): any byte is of use then. */
	bool in_pieces = false;

	/* What goes out with the next write, where `more` was set. */
	bool more = false;
	uint8_t held[HELD_SIZE];
	size_t held_size = 0;

	uint8_t tail[4] = {}; /* what was read last, where it was four bytes:
				 the body of an A-ABORT */
	static constexpr size_t START = 42; /* an A-ASSOCIATE-RQ up to its
					       titles, PS3.8 9.3.2 */
	uint8_t start[START] = {}; /* what came first, where `most` is set */

	/* Before the first byte is read by DCMTK: looks at what has come
	 * (gather), and sets `refusal` and returns false where that is not to
	 * be read. */
	bool (*examine)(Wire &wire) = nullptr;
	const char *refusal = nullptr;

	/* Wait up to first_ms for a byte and then up to rest_ms for the whole
	 * of it; rest_ms 0: first_ms is for the whole. */
	void begin_read(int first_ms, int rest_ms);
	void begin_write(int timeout_ms);

	/* The handshake, where there is TLS. */
	bool shake_hands();

	/* Waits for the poll(2) event until the deadline. */
	bool wait(short events, int64_t until_ms) const;
	/* Waits until what is of use is there, or, as it may never come, for
	 * any byte. Where that happened with bytes here, it may again. */
	bool wait_useful(int64_t until_ms);
	void set_low(int bytes);
	/* What was waited for has not come: perhaps as we read too late. */
	void look_for_pieces();
	/* Whether there is something to be read until then: an end, too. */
	bool arrived(int64_t until_ms);
	/* Whether bytes are here that poll(2) does not see. */
	bool pending() const;
	/* The next byte, which stays: 1; 0 where nothing is here; -1 where
	 * nothing will come any more. */
	int peek(uint8_t *byte);
	ssize_t read(void *data, size_t size);
	/* Reads until `size` bytes are here, at in[in_at], and perhaps some of
	 * what is behind them. false: `end` says why not; WIRE_OPEN where
	 * nothing at all came until the deadline. */
	bool gather(size_t size);
	/* All of it. With `more` set a small one may go out with the next. */
	bool write(const void *data, size_t size);
	bool write(const struct iovec *head, const struct iovec *body);
	/* PS3.8 9.3.8 */
	bool write_abort(uint8_t source, uint8_t reason);

	/* From and to the socket. receive: -1 and EAGAIN where it does not
	 * wait and nothing is there. */
	ssize_t take(void *data, size_t size);
	ssize_t receive(void *data, size_t size, bool waits);
	int send_all(struct iovec *part, size_t parts, bool more_follows);
	bool send(struct iovec *part, size_t parts);

	/* Ends our side, and waits up to timeout_ms for the peer to end its
	 * own, so that what was sent last is not lost with a reset. */
	void drain(int timeout_ms);

	/* How it ended, for people. */
	const char *reason() const;
};

#endif
