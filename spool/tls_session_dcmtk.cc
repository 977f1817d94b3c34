/*
 * TLS on one connection.
 *
 * Errors: the wire's end is WIRE_TLS where TLS itself failed, with the reason;
 * else as wire_dcmtk.cc.
 */
#include "tls_session_dcmtk.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <poll.h>

#include <openssl/err.h>

#include "wire_dcmtk.h"

extern "C" {
#include "certificate.h"
}

#define RECORD_SIZE ((size_t)SSL3_RT_MAX_PLAIN_LENGTH)
#define OUT_SIZE    ((size_t)128 << 10) /* records are sent at this */
#define NAME_SIZE   160

TlsSession::TlsSession(struct tls &tls_, Wire &wire_)
    : wire(wire_), tls(tls_), ssl(SSL_new(tls_.context))
{
	BIO *bio = ssl == nullptr ? nullptr : BIO_new(bio_method());

	if (bio == nullptr) {
		SSL_free(ssl);
		throw std::bad_alloc();
	}
	BIO_set_data(bio, this);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	(void)SSL_set_app_data(ssl, this);
	if (tls.role == TLS_ACCEPTOR)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
}

TlsSession::~TlsSession()
{
	SSL_free(ssl);
}

bool
TlsSession::handshake()
{
	X509 *x509;
	int rc;

	ERR_clear_error();
	waits = true;
	rc = SSL_do_handshake(ssl);
	if (rc != 1) {
		(void)ended(rc);
		(void)flush(false); /* the alert */
		return false;
	}
	is_good = true;
	x509 = SSL_get0_peer_certificate(ssl);
	if (x509 != nullptr) {
		certificate_identify(x509, &peer_certificate);
		has_peer = true;
	}
	return flush(false);
}

ssize_t
TlsSession::read(void *data, size_t size)
{
	size_t got = 0;
	int rc;

	ERR_clear_error();
	waits = true;
	rc = SSL_read_ex(ssl, data, size, &got);
	if (rc != 1)
		return ended(rc);
	return static_cast<ssize_t>(got);
}

bool
TlsSession::write(const struct iovec *part, size_t parts)
{
	size_t i, used, sent;
	int rc = 1;

	/* What fits into one record goes into one; the rest as it is. */
	joined.clear();
	for (i = 0; i < parts; i++) {
		const auto *data =
		    static_cast<const uint8_t *>(part[i].iov_base);

		used = RECORD_SIZE - joined.size();
		if (used > part[i].iov_len)
			used = part[i].iov_len;
		joined.insert(joined.end(), data, data + used);
		if (joined.size() < RECORD_SIZE && i + 1 < parts)
			continue;
		ERR_clear_error();
		if (!joined.empty())
			rc = SSL_write_ex(
			    ssl, joined.data(), joined.size(), &sent);
		joined.clear();
		if (rc == 1 && used < part[i].iov_len)
			rc = SSL_write_ex(
			    ssl, data + used, part[i].iov_len - used, &sent);
		if (rc != 1) {
			(void)ended(rc);
			return false;
		}
	}
	if (flush(false))
		return true;
	look_for_alert();
	return false;
}

/* A peer that closes in the face of what we send has said why, perhaps. */
void
TlsSession::look_for_alert()
{
	uint8_t byte;
	size_t got;
	int rc;

	if (wire.end != WIRE_LOST)
		return;
	wire.end = WIRE_OPEN;
	ERR_clear_error();
	waits = false;
	rc = SSL_peek_ex(ssl, &byte, 1, &got);
	if (rc != 1 && wire.end == WIRE_OPEN &&
	    SSL_get_error(ssl, rc) == SSL_ERROR_SSL)
		(void)ended(rc);
	else
		wire.end = WIRE_LOST;
}

bool
TlsSession::arrived(int64_t until_ms)
{
	uint8_t byte;
	size_t got;
	int rc;

	for (;;) {
		if (SSL_pending(ssl) > 0)
			return true;
		ERR_clear_error();
		waits = false;
		rc = SSL_peek_ex(ssl, &byte, 1, &got);
		waits = true;
		if (rc == 1)
			return true;
		if (SSL_get_error(ssl, rc) != SSL_ERROR_WANT_READ) {
			/* To be told by read(). */
			(void)ended(rc);
			return true;
		}
		/* It moves when the first byte of a record comes. */
		if (!wire.wait(POLLIN, until_ms == Wire::OPERATION
					   ? wire.deadline_ms
					   : until_ms))
			return false;
	}
}

bool
TlsSession::pending() const
{
	return SSL_has_pending(ssl) == 1;
}

int
TlsSession::peek(uint8_t *byte)
{
	size_t got;

	if (!arrived(0))
		return 0;
	ERR_clear_error();
	waits = false;
	return SSL_peek_ex(ssl, byte, 1, &got) == 1 ? 1 : -1;
}

void
TlsSession::say_end()
{
	if (!is_good)
		return;
	is_good = false;
	ERR_clear_error();
	(void)SSL_shutdown(ssl);
	(void)flush(false);
	ERR_clear_error();
}

/* In words, for the log: what is wrong, and with whose certificate. */
void
TlsSession::note_refusal(X509_STORE_CTX *store)
{
	X509 *x509 = X509_STORE_CTX_get_current_cert(store);
	char name[NAME_SIZE] = "?";

	if (x509 != nullptr)
		(void)X509_NAME_oneline(
		    X509_get_subject_name(x509), name, sizeof(name));
	why = std::string("the certificate of ") + name + " is refused: " +
	      X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
}

void
tls_note_refusal(SSL *ssl, X509_STORE_CTX *store)
{
	auto *session = static_cast<TlsSession *>(SSL_get_app_data(ssl));

	try {
		session->note_refusal(store);
	} catch (...) {
		/* No memory for the words. */
	}
}

/* What read() says to what OpenSSL said. */
ssize_t
TlsSession::ended(int rc)
{
	int error = SSL_get_error(ssl, rc);
	const char *reason = tls_reason();

	is_good = false;
	if (wire.end == WIRE_OPEN && error == SSL_ERROR_ZERO_RETURN)
		wire.end = WIRE_FIN;
	if (wire.end == WIRE_FIN)
		return 0;
	if (wire.end == WIRE_OPEN) {
		wire.end = WIRE_TLS;
		if (why.empty())
			why = reason;
		errno = EPROTO;
	}
	return -1;
}

bool
TlsSession::flush(bool more)
{
	struct iovec part = {out.data(), out.size()};
	bool sent;

	if (out.empty())
		return true;
	sent = wire.send_all(&part, 1, more) == 0;
	out.clear();
	return sent;
}

int
TlsSession::bio_read(BIO *bio, char *data, int size)
{
	auto *session = static_cast<TlsSession *>(BIO_get_data(bio));
	ssize_t got;

	BIO_clear_retry_flags(bio);
	/* What the peer has to have before it answers. */
	if (!session->flush(false))
		return -1;
	got = session->wire.receive(
	    data, static_cast<size_t>(size), session->waits);
	if (got == -1 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	return static_cast<int>(got);
}

int
TlsSession::bio_write(BIO *bio, const char *data, int size)
{
	auto *session = static_cast<TlsSession *>(BIO_get_data(bio));

	BIO_clear_retry_flags(bio);
	try {
		session->out.insert(session->out.end(), data, data + size);
	} catch (...) {
		return -1;
	}
	if (session->out.size() >= OUT_SIZE && !session->flush(true))
		return -1;
	return size;
}

/* OpenSSL asks whether it could be flushed; that is done after a write. */
long
TlsSession::bio_control(BIO *, int command, long, void *)
{
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD *
TlsSession::bio_method()
{
	static BIO_METHOD *const method = [] {
		BIO_METHOD *made = BIO_meth_new(
		    BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

		if (made == nullptr || BIO_meth_set_read(made, bio_read) != 1 ||
		    BIO_meth_set_write(made, bio_write) != 1 ||
		    BIO_meth_set_ctrl(made, bio_control) != 1)
			throw std::bad_alloc();
		return made;
	}();

	return method;
}
