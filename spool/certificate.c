/*
 * Certificates in files and of peers.
 *
 * Errors: ERR_CONFIG with the file's name, for one that cannot be read, is too
 * long, or is not what it should be; ERR_TEMPORARY where there is no memory.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "certificate.h"
#include "clock.h"
#include "fs.h"
#include "log.h"
#include "text.h"

#define TEXT_SIZE  ((size_t)16 << 20) /* of a file; lists are large */
#define BLOCK_SIZE ((size_t)64 << 10)
#define S_PER_DAY  86400
#define US_PER_S   1000000

static char *read_all(int fd, const char *path, size_t *size, struct err *err);
static void add_common_names(const X509 *x509, struct peer_certificate *peer);
static void add_alternative_names(
    const X509 *x509, struct peer_certificate *peer);
static void add_name(struct peer_certificate *peer, const ASN1_STRING *string);
static void add_address(
    struct peer_certificate *peer, const ASN1_STRING *octets);

int
certificate_file_end(const char *path, int64_t *end_s, struct err *err)
{
	X509 *x509;
	char *text;
	size_t size;
	BIO *bio;
	bool is_last;
	int n = 0;

	text = certificate_read_text(path, &size, err);
	if (text == NULL)
		return -1;
	*end_s = INT64_MAX;
	bio = BIO_new_mem_buf(text, (int)size);
	while (bio != NULL &&
	       (x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (certificate_end(x509) < *end_s)
			*end_s = certificate_end(x509);
		X509_free(x509);
		n++;
	}
	is_last = certificate_is_last();
	(void)BIO_free(bio);
	certificate_free_text(text, size);
	if (n > 0 && is_last)
		return 0;
	if (!is_last)
		return err_set(err, ERR_CONFIG,
		    "%s: a certificate (PEM) in it is damaged", path);
	return err_set(
	    err, ERR_CONFIG, "%s: there is no certificate (PEM) in it", path);
}

int64_t
certificate_end(const X509 *x509)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) != 1)
		return INT64_MIN;
	return timegm(&tm);
}

void
certificate_identify(const X509 *x509, struct peer_certificate *peer)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	char *out = peer->fingerprint;

	memset(peer, 0, sizeof(*peer));
	(void)strcpy(out, "sha256:");
	out += strlen(out);
	if (X509_digest(x509, EVP_sha256(), digest, &size) == 1)
		text_hex(digest, size < 32 ? size : 32, out);
	add_common_names(x509, peer);
	add_alternative_names(x509, peer);
}

bool
certificate_is_last(void)
{
	unsigned long code = ERR_peek_last_error();

	ERR_clear_error();
	return ERR_GET_LIB(code) == ERR_LIB_PEM &&
	       ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

char *
certificate_read_text(const char *path, size_t *size, struct err *err)
{
	char *text = NULL;
	int fd;

	/* Not fs_read_file: these are symbolic links often enough. */
	fd = fs_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, err);
	if (fd != -1)
		text = read_all(fd, path, size, err);
	(void)fs_close(&fd, path, NULL);
	if (text == NULL && err != NULL && err->class != ERR_TEMPORARY)
		err->class = ERR_CONFIG;
	return text;
}

void
certificate_free_text(char *text, size_t size)
{
	if (text != NULL)
		OPENSSL_cleanse(text, size);
	free(text);
}

void
certificate_warn(const char *whose, const char *path, int64_t end_s)
{
	int64_t left_s = end_s - clock_real_us() / US_PER_S;

	if (left_s >= (int64_t)CERTIFICATE_WARN_DAYS * S_PER_DAY)
		return;
	if (left_s < 0)
		LOG(LOG_LEVEL_ERROR, "certificate-expired",
		    LOG_STR("whose", whose), LOG_STR("file", path),
		    LOG_STR("consequence", "peers refuse it"));
	else
		LOG(LOG_LEVEL_WARNING, "certificate-expires",
		    LOG_STR("whose", whose), LOG_STR("file", path),
		    LOG_INT("days", left_s / S_PER_DAY));
}

static char *
read_all(int fd, const char *path, size_t *size, struct err *err)
{
	size_t room = 0, used = 0;
	char *text = NULL, *grown;
	ssize_t got;

	do {
		if (used == TEXT_SIZE) {
			(void)err_set(err, ERR_CONFIG,
			    "%s: longer than %zu bytes", path, TEXT_SIZE);
			goto fail;
		}
		if (used == room) {
			room += BLOCK_SIZE;
			/* realloc would leave a key behind. */
			grown = malloc(room);
			if (grown == NULL) {
				(void)err_sys(
				    err, "get memory to read %s", path);
				goto fail;
			}
			if (text != NULL)
				memcpy(grown, text, used);
			certificate_free_text(text, used);
			text = grown;
		}
		got = fs_pread(
		    fd, text + used, room - used, (off_t)used, path, err);
		if (got == -1)
			goto fail;
		used += (size_t)got;
	} while (got > 0);
	*size = used;
	return text;
fail:
	certificate_free_text(text, used);
	return NULL;
}

static void
add_common_names(const X509 *x509, struct peer_certificate *peer)
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	int at = -1;

	while (
	    (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		add_name(peer,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

static void
add_alternative_names(const X509 *x509, struct peer_certificate *peer)
{
	GENERAL_NAMES *names;
	const GENERAL_NAME *name;
	int i;

	names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS)
			add_name(peer, name->d.dNSName);
		else if (name->type == GEN_URI)
			add_name(peer, name->d.uniformResourceIdentifier);
		else if (name->type == GEN_IPADD)
			add_address(peer, name->d.iPAddress);
	}
	GENERAL_NAMES_free(names);
}

/* One with a NUL or another control character in it is no name. */
static void
add_name(struct peer_certificate *peer, const ASN1_STRING *string)
{
	unsigned char *text = NULL;
	int size, i;

	size = ASN1_STRING_to_UTF8(&text, string);
	for (i = 0; i < size; i++)
		if (text[i] < ' ' || text[i] == 0x7f)
			size = -1;
	if (size > 0 && size < PEER_NAME_SIZE && peer->names_n < PEER_NAMES) {
		memcpy(peer->names[peer->names_n], text, (size_t)size);
		peer->names[peer->names_n++][size] = '\0';
	}
	OPENSSL_free(text);
}

static void
add_address(struct peer_certificate *peer, const ASN1_STRING *octets)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(octets);
	int size = ASN1_STRING_length(octets);
	int family = size == 4 ? AF_INET : AF_INET6;

	if ((size == 4 || size == 16) && peer->names_n < PEER_NAMES &&
	    inet_ntop(family, bytes, peer->names[peer->names_n],
		PEER_NAME_SIZE) != NULL)
		peer->names_n++;
}
