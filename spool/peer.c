/*
 * Who a peer is, and whether a list means it.
 *
 * Errors: none; it matches, or it does not.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "peer.h"

#define FINGERPRINT_PREFIX "sha256:"
#define FINGERPRINT_DIGITS 64
#define HOST_BITS	   64 /* of an IPv6 address, what others do not have */

struct address {
	int family;
	unsigned char bytes[16];
	unsigned bits; /* 32 or 128; of a network, those that count */
};

static bool parse_address(const char *text, struct address *address);
static bool parse_network(const char *text, struct address *network);
static bool parse_bits(const char *text, unsigned most, unsigned *bits);
static bool same_bits(
    const struct address *a, const struct address *b, unsigned bits);
static bool has_host_bits(const struct address *network);
static bool fingerprint_equal(const char *entry, const char *fingerprint);

bool
peer_address_matches(const struct conf_patterns *networks, const char *address)
{
	struct address network, own;
	bool known = parse_address(address, &own);
	size_t i;

	for (i = 0; i < networks->n; i++) {
		if (strcmp(networks->pattern[i], "*") == 0)
			return true;
		if (known && parse_network(networks->pattern[i], &network) &&
		    same_bits(&network, &own, network.bits))
			return true;
	}
	return false;
}

bool
peer_same_host(const char *a, const char *b)
{
	uint64_t one, other;

	if (strcmp(a, b) == 0)
		return true;
	return peer_host(a, &one) && peer_host(b, &other) && one == other;
}

bool
peer_host(const char *address, uint64_t *host)
{
	struct address own;
	unsigned i;

	if (!parse_address(address, &own))
		return false;
	/* Prefixes that begin with ::/8 are nobody's (RFC 4291). */
	*host = own.family == AF_INET6 ? 0 : 1;
	for (i = 0; i < (own.family == AF_INET6 ? HOST_BITS : 32) / 8; i++)
		*host = *host << 8 | own.bytes[i];
	if (*host == 0)
		*host = 1;
	return true;
}

bool
peer_certificate_matches(const struct conf_patterns *patterns,
    const struct peer_certificate *certificate)
{
	const char *pattern;
	size_t i, k;

	for (i = 0; i < patterns->n; i++) {
		pattern = patterns->pattern[i];
		if (strcmp(pattern, "*") == 0)
			return true;
		if (certificate == NULL)
			continue;
		if (peer_is_fingerprint(pattern)) {
			if (fingerprint_equal(
				pattern, certificate->fingerprint))
				return true;
			continue;
		}
		for (k = 0; k < certificate->names_n; k++)
			if (fnmatch(pattern, certificate->names[k],
				FNM_NOESCAPE | FNM_CASEFOLD) == 0)
				return true;
	}
	return false;
}

bool
peer_is_fingerprint(const char *entry)
{
	return strncasecmp(
		   entry, FINGERPRINT_PREFIX, strlen(FINGERPRINT_PREFIX)) == 0;
}

const char *
peer_network_problem(const char *entry)
{
	struct address network;

	if (strcmp(entry, "*") == 0)
		return NULL;
	if (!parse_network(entry, &network))
		return "is no network; write addresses or networks such as "
		       "192.0.2.17, 10.1.0.0/16, 2001:db8::/32, or \"*\"";
	if (has_host_bits(&network))
		return "has bits behind its prefix; write the network's first "
		       "address, such as 10.1.0.0/16, or a longer prefix";
	return NULL;
}

const char *
peer_certificate_problem(const char *entry)
{
	const char *c;
	size_t digits = 0;

	if (peer_is_fingerprint(entry)) {
		for (c = entry + strlen(FINGERPRINT_PREFIX); *c != '\0'; c++)
			if (isxdigit((unsigned char)*c))
				digits++;
			else if (*c != ':')
				digits = FINGERPRINT_DIGITS + 1;
		return digits == FINGERPRINT_DIGITS
			   ? NULL
			   : "is no fingerprint; write sha256: and 64 "
			     "hexadecimal digits, as openssl x509 -noout "
			     "-fingerprint -sha256 shows them";
	}
	for (c = entry; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c) || *c == '\\')
			return "has control characters or a backslash; write "
			       "a name without, or a pattern";
	return NULL;
}

static bool
parse_address(const char *text, struct address *address)
{
	char plain[INET6_ADDRSTRLEN];
	size_t size = strcspn(text, "%"); /* an IPv6 zone */

	if (size >= sizeof(plain))
		return false;
	(void)snprintf(plain, sizeof(plain), "%.*s", (int)size, text);
	memset(address, 0, sizeof(*address));
	address->family = strchr(plain, ':') != NULL ? AF_INET6 : AF_INET;
	address->bits = address->family == AF_INET6 ? 128 : 32;
	return inet_pton(address->family, plain, address->bytes) == 1;
}

static bool
parse_network(const char *text, struct address *network)
{
	const char *slash = strchr(text, '/');
	char plain[INET6_ADDRSTRLEN];
	unsigned bits;

	if (slash == NULL)
		return strchr(text, '%') == NULL &&
		       parse_address(text, network);
	if ((size_t)(slash - text) >= sizeof(plain))
		return false;
	(void)snprintf(plain, sizeof(plain), "%.*s", (int)(slash - text), text);
	if (strchr(plain, '%') != NULL || !parse_address(plain, network) ||
	    !parse_bits(slash + 1, network->bits, &bits))
		return false;
	network->bits = bits;
	return true;
}

static bool
parse_bits(const char *text, unsigned most, unsigned *bits)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return false;
	*bits = (unsigned)strtoul(text, NULL, 10);
	return *bits <= most;
}

static bool
same_bits(const struct address *a, const struct address *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (a->family != b->family || memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

static bool
has_host_bits(const struct address *network)
{
	unsigned most = network->family == AF_INET6 ? 128 : 32, bit;

	for (bit = network->bits; bit < most; bit++)
		if ((network->bytes[bit / 8] & 0x80 >> bit % 8) != 0)
			return true;
	return false;
}

/* Colons and case do not count. */
static bool
fingerprint_equal(const char *entry, const char *fingerprint)
{
	entry += strlen(FINGERPRINT_PREFIX);
	fingerprint += strlen(FINGERPRINT_PREFIX);
	for (;; entry++, fingerprint++) {
		while (*entry == ':')
			entry++;
		if (tolower((unsigned char)*entry) != *fingerprint)
			return false;
		if (*entry == '\0')
			return true;
	}
}
