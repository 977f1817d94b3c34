/*
 * The group tls.
 *
 * Errors: ERR_CONFIG with file, line and key ("receiver.tls.PrivateKey"), and
 * what to write instead; ERR_TEMPORARY where there is no memory.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf_tls.h"
#include "conf_value.h"
#include "peer.h"

#define KEY_SIZE 64

static int check_names(
    config_setting_t *setting, const struct conf_place *place, struct err *err);
static int read_key(const struct conf_key *key, config_setting_t *setting,
    const struct conf *conf, struct conf_tls *tls,
    const struct conf_place *place, struct err *err);
static int check_trust(const struct conf_tls *tls,
    const struct conf_place *place, struct err *err);
static int check_untrusted(const struct conf_tls *tls,
    const struct conf_place *place, struct err *err);

int
conf_tls_read(const struct conf_key *key, config_setting_t *setting,
    const struct conf *conf, struct conf_tls *tls,
    const struct conf_place *place, struct err *err)
{
	const struct conf_key *table;
	size_t i, n;

	if (setting == NULL)
		return 0;
	if (!config_setting_is_group(setting))
		return conf_fail_type(key, setting, place, err);
	tls->on = true;
	if (check_names(setting, place, err) == -1)
		return -1;
	table = conf_table(&n);
	for (i = 0; i < n; i++)
		if (strcmp(table[i].group, CONF_TLS) == 0 &&
		    read_key(&table[i], setting, conf, tls, place, err) == -1)
			return -1;
	return check_trust(tls, place, err);
}

void
conf_tls_free(struct conf_tls *tls)
{
	const struct conf_key *table;
	size_t i, n;

	table = conf_table(&n);
	for (i = 0; i < n; i++)
		if (strcmp(table[i].group, CONF_TLS) == 0)
			conf_value_free(&table[i], tls);
}

static int
check_names(
    config_setting_t *setting, const struct conf_place *place, struct err *err)
{
	struct conf_place at = *place;
	const struct conf_key *table;
	char name[KEY_SIZE], known[256];
	config_setting_t *member;
	size_t n, k, used = 0;
	int i;

	table = conf_table(&n);
	known[0] = '\0';
	for (k = 0; k < n && used < sizeof(known); k++)
		if (strcmp(table[k].group, CONF_TLS) == 0)
			used += (size_t)snprintf(known + used,
			    sizeof(known) - used, " %s", table[k].name);
	for (i = 0; i < config_setting_length(setting); i++) {
		member = config_setting_get_elem(setting, (unsigned)i);
		if (conf_table_find(CONF_TLS, config_setting_name(member)) !=
		    NULL)
			continue;
		(void)snprintf(name, sizeof(name), "tls.%.50s",
		    config_setting_name(member));
		at.key = name;
		at.line = config_setting_source_line(member);
		return conf_fail(
		    &at, err, "is unknown; write one of:%s", known);
	}
	return 0;
}

static int
read_key(const struct conf_key *key, config_setting_t *setting,
    const struct conf *conf, struct conf_tls *tls,
    const struct conf_place *place, struct err *err)
{
	struct conf_place at = *place;
	config_setting_t *member;
	char name[KEY_SIZE];

	(void)snprintf(name, sizeof(name), "tls.%s", key->name);
	at.key = name;
	member = config_setting_get_member(setting, key->name);
	if (member != NULL)
		at.line = config_setting_source_line(member);
	return conf_value_read(key, member, conf, tls, &at, err);
}

/* What no single key shows. */
static int
check_trust(
    const struct conf_tls *tls, const struct conf_place *place, struct err *err)
{
	struct conf_place at = *place;

	at.key = "tls.TrustedCertificates";
	if (tls->require_peer_certificate &&
	    tls->trusted_certificates[0] == '\0')
		return conf_fail(&at, err,
		    "is missing; write whose certificates are good, in "
		    "TrustedCertificates = \"/etc/dcmspool/ca.pem\";, or "
		    "RequirePeerCertificate = false;");
	if (tls->trusted_certificates[0] != '\0')
		return 0;
	at.key = "tls.RevocationLists";
	if (tls->revocation_lists[0] != '\0')
		return conf_fail(&at, err,
		    "is of no use without TrustedCertificates; write that, "
		    "too");
	return check_untrusted(tls, place, err);
}

/* Nobody vouches for what a certificate says; its fingerprint is its own. */
static int
check_untrusted(
    const struct conf_tls *tls, const struct conf_place *place, struct err *err)
{
	bool is_receiver = strcmp(place->group, CONF_RECEIVER) == 0;
	struct conf_place at = *place;
	const char *entry;
	size_t i;

	at.key = "tls.PeerCertificate";
	for (i = 0; i < tls->peer_certificate.n; i++) {
		entry = tls->peer_certificate.pattern[i];
		if (strcmp(entry, "*") == 0)
			continue;
		if (is_receiver)
			return conf_fail(&at, err,
			    "is of no use without TrustedCertificates, as "
			    "modalities are not asked for a certificate then; "
			    "write that, too");
		if (!peer_is_fingerprint(entry))
			return conf_fail(&at, err,
			    "has the name %.64s, which anybody can give "
			    "himself; write TrustedCertificates, too, or "
			    "fingerprints alone",
			    entry);
	}
	return 0;
}
