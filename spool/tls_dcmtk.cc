/*
 * TLS settings. DCMTK chooses protocol versions and cipher suites; the files
 * are read here, so that an error names the one that it is in.
 *
 * Errors: ERR_CONFIG with place, key and file. Each return code counts: with a
 * profile or a cipher suite that was not taken DCMTK would go on.
 */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmtls/tlslayer.h>

#include <cstring>
#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "assoc_private_dcmtk.h"
#include "tls_private_dcmtk.h"

extern "C" {
#include "certificate.h"
}

#define PASSPHRASE_SIZE 1024
#define SECURITY_LEVEL	2 /* SSL_CTX_set_security_level(3): 112 bits */
#define ECDSA_SUITES                                                           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"

namespace
{

/* The text of a file, wiped at the end, and a BIO on it. */
class PemFile
{
      public:
	PemFile(const char *path_, struct err *err)
	    : path(path_), text(certificate_read_text(path_, &size, err)),
	      bio(text == nullptr
		      ? nullptr
		      : BIO_new_mem_buf(text, static_cast<int>(size)))
	{
	}
	~PemFile()
	{
		(void)BIO_free(bio);
		certificate_free_text(text, size);
	}
	PemFile(const PemFile &) = delete;
	PemFile &operator=(const PemFile &) = delete;

	const char *path;
	size_t size = 0;
	char *text;
	BIO *bio;
};

struct Passphrase {
	char text[PASSPHRASE_SIZE] = "";
	size_t size = 0;
	bool asked = false;

	~Passphrase()
	{
		OPENSSL_cleanse(text, sizeof(text));
	}
};

/* Where something is wrong, for the message. */
struct Place {
	const char *group;

	int
	fail(const char *key, const char *path, const char *why,
	    struct err *err) const
	{
		return err_set(
		    err, ERR_CONFIG, "%s.%s: %s: %s", group, key, path, why);
	}

	/* *err says what is wrong with the file already. */
	int
	fail_file(const char *key, struct err *err) const
	{
		char text[ERR_TEXT_SIZE];

		if (err == nullptr)
			return -1;
		(void)strcpy(text, err->text);
		return err_set(err,
		    err->class_of_error == ERR_TEMPORARY ? ERR_TEMPORARY
							 : ERR_CONFIG,
		    "%s.%s: %s", group, key, text);
	}
};

int prepare(struct tls *tls, const struct conf_tls *conf, const Place &place,
    struct err *err);
int set_profile(struct tls *tls, const struct conf_tls *conf,
    const Place &place, struct err *err);
bool narrow(SSL_CTX *context);
int load_certificate(struct tls *tls, const struct conf_tls *conf,
    const Place &place, struct err *err);
int load_key(struct tls *tls, const struct conf_tls *conf, const Place &place,
    struct err *err);
int load_trusted(struct tls *tls, const struct conf_tls *conf,
    const Place &place, struct err *err);
int load_lists(struct tls *tls, const struct conf_tls *conf, const Place &place,
    struct err *err);
int read_passphrase(const struct conf_tls *conf, const Place &place,
    Passphrase *passphrase, struct err *err);
int give_passphrase(char *out, int size, int, void *context);
int verify(int good, X509_STORE_CTX *store);

} // namespace

tls::tls(enum tls_role role_)
    : role(role_), layer(std::make_unique<DcmTLSTransportLayer>(
		       role_ == TLS_ACCEPTOR ? NET_ACCEPTOR : NET_REQUESTOR,
		       nullptr, OFTrue))
{
}

tls::~tls() = default;

extern "C" int
tls_create(const struct conf_tls *conf, enum tls_role role, const char *place,
    struct tls **result, struct err *err)
{
	*result = nullptr;
	if (!conf->on)
		return 0;
	return assoc_guard(err, [=] {
		auto tls = std::make_unique<struct tls>(role);
		const Place at = {place};

		ERR_clear_error();
		if (prepare(tls.get(), conf, at, err) == -1)
			return -1;
		*result = tls.release();
		return 0;
	});
}

extern "C" void
tls_free(struct tls *tls)
{
	(void)assoc_guard(nullptr, [=] {
		delete tls;
		return 0;
	});
}

extern "C" int64_t
tls_end(const struct tls *tls)
{
	return tls->end_s;
}

const char *
tls_reason()
{
	unsigned long code = ERR_get_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return reason == nullptr ? "no reason is known" : reason;
}

namespace
{

int
prepare(struct tls *tls, const struct conf_tls *conf, const Place &place,
    struct err *err)
{
	int mode = SSL_VERIFY_NONE;

	if (set_profile(tls, conf, place, err) == -1 ||
	    load_certificate(tls, conf, place, err) == -1 ||
	    load_key(tls, conf, place, err) == -1 ||
	    load_trusted(tls, conf, place, err) == -1 ||
	    load_lists(tls, conf, place, err) == -1)
		return -1;
	/* A server shows a certificate in any case; a client that is not
	 * required to show one may, and then it has to be good. */
	if (conf->trusted_certificates[0] != '\0')
		mode = SSL_VERIFY_PEER;
	if (conf->require_peer_certificate)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(tls->context, mode, verify);
	return 0;
}

int
set_profile(struct tls *tls, const struct conf_tls *conf, const Place &place,
    struct err *err)
{
	static const DcmTLSSecurityProfile profiles[] = {TSP_Profile_BCP195,
	    TSP_Profile_BCP195_ND, TSP_Profile_BCP195_Extended};
	OFCondition cond;

	tls->context = tls->layer->getNativeHandle();
	if (tls->context == nullptr)
		return err_set(err, ERR_TEMPORARY,
		    "%s: OpenSSL gives no context", place.group);
	cond = tls->layer->setTLSProfile(profiles[conf->profile]);
	if (cond.good())
		cond = tls->layer->activateCipherSuites();
	if (cond.bad())
		return place.fail("Profile", "not to be had", cond.text(), err);
	if (!narrow(tls->context))
		return place.fail(
		    "Profile", "not to be had", tls_reason(), err);
	return 0;
}

/*
 * What DCMTK leaves open. BCP 195 is RFC 9325 and RFC 8996 today: nothing
 * before TLS 1.2, no key of less than 112 bits (2048 of RSA), no SHA-1; and
 * ECDSA has its place, which DCMTK gives it in the extended profile alone.
 * Nothing outlives a connection that could let a peer in without its
 * certificate: no session, no ticket.
 */
bool
narrow(SSL_CTX *context)
{
	const STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(context);
	std::string list = ECDSA_SUITES;
	const SSL_CIPHER *suite;
	int i;

	for (i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
		suite = sk_SSL_CIPHER_value(suites, i);
		/* Those of TLS 1.3 are set in another way. */
		if (SSL_CIPHER_get_kx_nid(suite) != NID_kx_any)
			list += std::string(":") + SSL_CIPHER_get_name(suite);
	}
	SSL_CTX_set_security_level(context, SECURITY_LEVEL);
	(void)SSL_CTX_set_options(context,
	    SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_cipher_list(context, list.c_str()) == 1 &&
	       SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(context, 0) == 1;
}

/* Takes each certificate or list that the key's file holds; `take` gets it, and
 * how many came before. One that is damaged, or none at all, is an error. */
template <typename T, typename Take>
int
load_each(const Place &place, const char *key, const char *path,
    const std::string &what, T *(*read)(BIO *, T **, pem_password_cb *, void *),
    void (*release)(T *), Take take, struct err *err)
{
	PemFile file(path, err);
	bool taken;
	int n = 0;
	T *one;

	if (file.bio == nullptr)
		return place.fail_file(key, err);
	while ((one = read(file.bio, nullptr, nullptr, nullptr)) != nullptr) {
		taken = take(one, n++);
		release(one);
		if (!taken)
			return place.fail(key, path, tls_reason(), err);
	}
	if (!certificate_is_last())
		return place.fail(key, path,
		    ("a " + what + " (PEM) in it is damaged").c_str(), err);
	if (n == 0)
		return place.fail(key, path,
		    ("there is no " + what + " (PEM) in it").c_str(), err);
	return 0;
}

/* The first is ours, and those behind it lead to its root. */
int
load_certificate(struct tls *tls, const struct conf_tls *conf,
    const Place &place, struct err *err)
{
	return load_each(
	    place, "Certificate", conf->certificate, "certificate",
	    PEM_read_bio_X509_AUX, X509_free,
	    [=](X509 *x509, int before) {
		    if (certificate_end(x509) < tls->end_s)
			    tls->end_s = certificate_end(x509);
		    return (before == 0
				   ? SSL_CTX_use_certificate(tls->context, x509)
				   : SSL_CTX_add1_chain_cert(
					 tls->context, x509)) == 1;
	    },
	    err);
}

int
load_key(struct tls *tls, const struct conf_tls *conf, const Place &place,
    struct err *err)
{
	PemFile file(conf->private_key, err);
	Passphrase passphrase;
	EVP_PKEY *key;
	bool taken;

	if (file.bio == nullptr)
		return place.fail_file("PrivateKey", err);
	if (read_passphrase(conf, place, &passphrase, err) == -1)
		return -1;
	key = PEM_read_bio_PrivateKey(
	    file.bio, nullptr, give_passphrase, &passphrase);
	if (key == nullptr && passphrase.asked && passphrase.size == 0)
		return place.fail("PassphraseFile", conf->private_key,
		    "the key has a passphrase, and there is none for it", err);
	if (key == nullptr && passphrase.asked)
		return place.fail("PassphraseFile", conf->passphrase_file,
		    "the passphrase does not open the private key", err);
	if (key == nullptr)
		return place.fail("PrivateKey", conf->private_key,
		    "there is no private key (PEM) in it", err);
	taken = SSL_CTX_use_PrivateKey(tls->context, key) == 1 &&
		SSL_CTX_check_private_key(tls->context) == 1;
	EVP_PKEY_free(key);
	if (!taken)
		return place.fail(
		    "PrivateKey", conf->private_key, tls_reason(), err);
	return 0;
}

/* Each of them is trusted as it is, whether or not it is a root. */
int
load_trusted(struct tls *tls, const struct conf_tls *conf, const Place &place,
    struct err *err)
{
	static const char key[] = "TrustedCertificates";
	X509_STORE *store = SSL_CTX_get_cert_store(tls->context);
	const char *path = conf->trusted_certificates;

	if (path[0] == '\0')
		return 0;
	if (load_each(
		place, key, path, "certificate", PEM_read_bio_X509, X509_free,
		[=](X509 *x509, int) {
			return X509_STORE_add_cert(store, x509) == 1 &&
			       (tls->role != TLS_ACCEPTOR ||
				   SSL_CTX_add_client_CA(tls->context, x509) ==
				       1);
		},
		err) == -1)
		return -1;
	if (X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return place.fail(key, path, tls_reason(), err);
	return 0;
}

int
load_lists(struct tls *tls, const struct conf_tls *conf, const Place &place,
    struct err *err)
{
	static const char key[] = "RevocationLists";
	X509_STORE *store = SSL_CTX_get_cert_store(tls->context);
	const char *path = conf->revocation_lists;

	if (path[0] == '\0')
		return 0;
	if (load_each(
		place, key, path, "revocation list", PEM_read_bio_X509_CRL,
		X509_CRL_free,
		[=](X509_CRL *list, int) {
			return X509_STORE_add_crl(store, list) == 1;
		},
		err) == -1)
		return -1;
	if (X509_STORE_set_flags(
		store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
		return place.fail(key, path, tls_reason(), err);
	return 0;
}

/* The first line of the file. */
int
read_passphrase(const struct conf_tls *conf, const Place &place,
    Passphrase *passphrase, struct err *err)
{
	if (conf->passphrase_file[0] == '\0')
		return 0;
	PemFile file(conf->passphrase_file, err);
	if (file.text == nullptr)
		return place.fail_file("PassphraseFile", err);
	while (passphrase->size < file.size &&
	       strchr("\r\n", file.text[passphrase->size]) == nullptr)
		passphrase->size++;
	if (passphrase->size == 0 || passphrase->size > PASSPHRASE_SIZE)
		return place.fail("PassphraseFile", conf->passphrase_file,
		    "its first line is empty, or too long", err);
	memcpy(passphrase->text, file.text, passphrase->size);
	return 0;
}

int
give_passphrase(char *out, int size, int, void *context)
{
	auto *passphrase = static_cast<Passphrase *>(context);

	passphrase->asked = true;
	if (passphrase->size == 0 ||
	    passphrase->size > static_cast<size_t>(size))
		return -1;
	memcpy(out, passphrase->text, passphrase->size);
	return static_cast<int>(passphrase->size);
}

/* A list is asked for of the one that issued the peer's certificate; those
 * above it may have none. */
int
verify(int good, X509_STORE_CTX *store)
{
	auto *ssl = static_cast<SSL *>(X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx()));

	if (good == 0 &&
	    X509_STORE_CTX_get_error(store) == X509_V_ERR_UNABLE_TO_GET_CRL &&
	    X509_STORE_CTX_get_error_depth(store) > 0) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (good == 0 && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE)
		tls_note_refusal(ssl, store);
	return good;
}

} // namespace
