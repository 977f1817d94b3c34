/*
 * What TLS settings are made of. Private to *_dcmtk.cc.
 */
#ifndef DCMSPOOL_TLS_PRIVATE_DCMTK_H
#define DCMSPOOL_TLS_PRIVATE_DCMTK_H

#include "c_headers_dcmtk.h"

#include <memory>

#include <openssl/ssl.h>

#include "tls_dcmtk.h"

class DcmTLSTransportLayer;

struct tls {
	explicit tls(enum tls_role role);
	~tls();

	enum tls_role role;
	std::unique_ptr<DcmTLSTransportLayer> layer; /* owns the context */
	SSL_CTX *context = nullptr;
	int64_t end_s = INT64_MAX;
};

/* Keeps why a peer's certificate is refused, for the session's reason. */
void tls_note_refusal(SSL *ssl, X509_STORE_CTX *store);

/* OpenSSL's first reason, and forgets the others. */
const char *tls_reason();

#endif
