/*
 * Who a peer is: its address, and the certificate that it has shown; and
 * whether a list of the configuration means it. Pure: no I/O.
 */
#ifndef DCMSPOOL_PEER_H
#define DCMSPOOL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

#define PEER_FINGERPRINT_SIZE 72 /* "sha256:" and 64 digits */
#define PEER_NAMES	      16 /* of one certificate; more are not looked at */
#define PEER_NAME_SIZE	      256

struct peer_certificate {
	char fingerprint[PEER_FINGERPRINT_SIZE]; /* of the whole of it */
	/* Common names of the subject; DNS names, addresses and URIs of the
	 * Subject Alternative Name (RFC 5280). Not checked, but no control
	 * characters in them. */
	char names[PEER_NAMES][PEER_NAME_SIZE];
	size_t names_n;
};

/*
 * networks: "*", addresses, or networks in CIDR notation (RFC 4632), IPv4 and
 * IPv6. address is an address as getnameinfo(3) writes it.
 */
bool peer_address_matches(
    const struct conf_patterns *networks, const char *address);

/* Whether two addresses are likely one host: of IPv6, where a host has a whole
 * /64 to choose from, the first 64 bits count. */
bool peer_same_host(const char *a, const char *b);
/* A number that they then have in common, and others have not; never 0. false
 * where it is no address. */
bool peer_host(const char *address, uint64_t *host);

/*
 * patterns: "*", fingerprints ("sha256:" and 64 hexadecimal digits, with or
 * without colons), or patterns of names, whose case does not count. NULL is a
 * peer that showed none: that only "*" means.
 */
bool peer_certificate_matches(const struct conf_patterns *patterns,
    const struct peer_certificate *certificate);

/* Whether an entry of such a list is "sha256:" and what follows. */
bool peer_is_fingerprint(const char *entry);

/* NULL where it may be an entry of such a list; else what is wrong with it,
 * and what to write. */
const char *peer_network_problem(const char *entry);
const char *peer_certificate_problem(const char *entry);

#endif
