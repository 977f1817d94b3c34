/*
 * spool/certificate.c: ends and names, of certificates made here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "../spool/certificate.h"
#include "../spool/clock.h"
#include "test.h"

#define DAY_S 86400

/* Signed by itself; ends in `days`. name has `size` bytes. */
static X509 *
make(const char *name, int size, const char *alternative, long days)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	X509_EXTENSION *extension;
	X509_NAME *subject;

	CU_ASSERT_PTR_NOT_NULL_FATAL(key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x509);
	subject = X509_get_subject_name(x509);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
	    (const unsigned char *)name, size, -1, 0);
	(void)X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_S);
	(void)X509_gmtime_adj(X509_getm_notAfter(x509), days * DAY_S);
	(void)X509_set_pubkey(x509, key);
	if (alternative != NULL) {
		extension = X509V3_EXT_conf_nid(
		    NULL, NULL, NID_subject_alt_name, alternative);
		CU_ASSERT_PTR_NOT_NULL_FATAL(extension);
		(void)X509_add_ext(x509, extension, -1);
		X509_EXTENSION_free(extension);
	}
	CU_ASSERT_TRUE(X509_sign(x509, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	return x509;
}

static void
append(const char *path, const X509 *x509)
{
	FILE *file = fopen(path, "ae");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(PEM_write_X509(file, x509), 1);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

/* A block of PEM with nothing of a certificate in it. */
static void
damage(const char *path)
{
	FILE *file = fopen(path, "ae");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE(fputs("-----BEGIN CERTIFICATE-----\nMAAA\n"
			     "-----END CERTIFICATE-----\n",
			   file) >= 0);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static void
ends(void)
{
	char path[128];
	struct err err = {0};
	int64_t end_s = 0, now_s = clock_real_us() / 1000000;
	X509 *late = make("a", 1, NULL, 90), *early = make("b", 1, NULL, 10);

	(void)snprintf(path, sizeof(path), "%s/cert.pem", test_tmpdir());
	append(path, late);
	CU_ASSERT_EQUAL(certificate_file_end(path, &end_s, &err), 0);
	CU_ASSERT_EQUAL(end_s, certificate_end(late));
	CU_ASSERT_TRUE(llabs(end_s - now_s - 90 * DAY_S) < 60);
	append(path, early);
	CU_ASSERT_EQUAL(certificate_file_end(path, &end_s, &err), 0);
	CU_ASSERT_EQUAL(end_s, certificate_end(early));
	/* What is damaged is not passed over. */
	damage(path);
	CU_ASSERT_EQUAL(certificate_file_end(path, &end_s, &err), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "damaged"));
	X509_free(late);
	X509_free(early);
}

static void
no_certificate(void)
{
	struct err err = {0};
	int64_t end_s;

	CU_ASSERT_EQUAL(certificate_file_end("/nowhere.pem", &end_s, &err), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nowhere.pem"));
	CU_ASSERT_EQUAL(certificate_file_end("/", &end_s, &err), -1);
	CU_ASSERT_EQUAL(certificate_file_end("/dev/null", &end_s, &err), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no certificate"));
	/* as much as anybody wants to read */
	CU_ASSERT_EQUAL(certificate_file_end("/dev/zero", &end_s, &err), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "longer than"));
}

static void
names(void)
{
	struct peer_certificate peer;
	X509 *x509 = make("CT 1", 4,
	    "DNS:ct1.example.org,IP:192.0.2.1,IP:2001:db8::1,URI:urn:x,"
	    "email:a@example.org",
	    1);

	certificate_identify(x509, &peer);
	CU_ASSERT_EQUAL_FATAL(peer.names_n, 5);
	CU_ASSERT_STRING_EQUAL(peer.names[0], "CT 1");
	CU_ASSERT_STRING_EQUAL(peer.names[1], "ct1.example.org");
	CU_ASSERT_STRING_EQUAL(peer.names[2], "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(peer.names[3], "2001:db8::1");
	CU_ASSERT_STRING_EQUAL(peer.names[4], "urn:x");
	CU_ASSERT_EQUAL(strlen(peer.fingerprint), 7 + 64);
	X509_free(x509);
}

/* "ct1", a NUL, and who really owns it. */
static void
names_that_are_none(void)
{
	static const char *const texts[] = {
	    "ct1\0.example.org", "ct1\n", "\x7f"};
	static const int sizes[] = {16, 4, 1};
	struct peer_certificate peer;
	X509 *x509;
	size_t i;

	for (i = 0; i < 3; i++) {
		x509 = make(texts[i], sizes[i], NULL, 1);
		certificate_identify(x509, &peer);
		CU_ASSERT_EQUAL(peer.names_n, 0);
		X509_free(x509);
	}
}

static const struct test_case cases[] = {{"the earliest end in a file", ends},
    {"files without a certificate", no_certificate},
    {"names and fingerprint", names},
    {"names that are none", names_that_are_none}, {0}};
TEST_SUITE(certificate, cases)
