/*
 * TLS on one connection, between DCMTK's upper layer and the wire: OpenSSL
 * reads and writes through the wire, whose deadlines so hold for records, too.
 * Private to *_dcmtk.cc.
 */
#ifndef DCMSPOOL_TLS_SESSION_DCMTK_H
#define DCMSPOOL_TLS_SESSION_DCMTK_H

#include "tls_private_dcmtk.h"

#include <string>
#include <vector>

#include <sys/uio.h>

struct Wire;

class TlsSession
{
      public:
	TlsSession(struct tls &tls, Wire &wire);
	~TlsSession();
	TlsSession(const TlsSession &) = delete;
	TlsSession &operator=(const TlsSession &) = delete;

	/* false: the wire says how it ended. */
	bool handshake();
	/* As read(2), within the wire's deadline. */
	ssize_t read(void *data, size_t size);
	/* All of it, in as few records and writes as can be. */
	bool write(const struct iovec *part, size_t parts);
	/* Whether there is something to be read, or will be until then. */
	bool arrived(int64_t until_ms);
	/* Whether it is here already. */
	bool pending() const;
	/* As the wire's. */
	int peek(uint8_t *byte);
	/* Says good-bye, where it can still be said. */
	void say_end();

	const struct peer_certificate *
	peer() const
	{
		return has_peer ? &peer_certificate : nullptr;
	}
	const char *
	protocol() const
	{
		return SSL_get_version(ssl);
	}
	const char *
	reason() const
	{
		return why.c_str();
	}
	void note_refusal(X509_STORE_CTX *store);

      private:
	static int bio_read(BIO *bio, char *data, int size);
	static int bio_write(BIO *bio, const char *data, int size);
	static long bio_control(BIO *bio, int command, long, void *);
	static const BIO_METHOD *bio_method();

	ssize_t ended(int rc);
	bool flush(bool more);
	void look_for_alert();

	Wire &wire;
	struct tls &tls;
	SSL *ssl;
	bool waits = true;    /* for what OpenSSL asks to read */
	bool is_good = false; /* the handshake is done, nothing has failed */
	bool has_peer = false;
	struct peer_certificate peer_certificate = {};
	std::vector<uint8_t> out;    /* records that are not sent yet */
	std::vector<uint8_t> joined; /* the begin of what is written */
	std::string why;	     /* it failed, or the peer is refused */
};

#endif
