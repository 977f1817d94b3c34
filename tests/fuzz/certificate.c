/*
 * Certificates: that of a peer, as DER, says who it is; and any file can be
 * given as ours.
 *
 * Errors: what does not hold aborts.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "../../spool/certificate.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[256];
	struct peer_certificate peer;
	const unsigned char *at = data;
	int64_t end_s = 0;
	struct err err = {.class = ERR_NONE};
	const char *c;
	X509 *x509;
	size_t i;

	if (path[0] == '\0')
		(void)snprintf(path, sizeof(path), "%s/pem", fuzz_folder());
	fuzz_write(path, data, size);
	if (certificate_file_end(path, &end_s, &err) == -1)
		FUZZ_CHECK(err.class == ERR_CONFIG);
	x509 = d2i_X509(NULL, &at, (long)size);
	ERR_clear_error();
	if (x509 == NULL)
		return 0;
	(void)certificate_end(x509);
	certificate_identify(x509, &peer);
	FUZZ_CHECK(strlen(peer.fingerprint) == PEER_FINGERPRINT_SIZE - 1);
	FUZZ_CHECK(peer.names_n <= PEER_NAMES);
	for (i = 0; i < peer.names_n; i++) {
		FUZZ_CHECK(peer.names[i][0] != '\0');
		FUZZ_CHECK(
		    strnlen(peer.names[i], PEER_NAME_SIZE) < PEER_NAME_SIZE);
		for (c = peer.names[i]; *c != '\0'; c++)
			FUZZ_CHECK(!iscntrl((unsigned char)*c));
	}
	if (peer.names_n > 0)
		fuzz_reached();
	X509_free(x509);
	return 0;
}
