/*
 * The configuration: one libconfig file, one const struct. A table in
 * conf_table.c holds name, type, default, range and unit of each key;
 * dcmspool.conf(5) is checked against it. An unknown key, a wrong type, a value
 * out of range, or a reference to a destination that is not there is an error
 * with file, line and key.
 */
#ifndef DCMSPOOL_CONF_H
#define DCMSPOOL_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "log.h"

#define CONF_DEFAULT_PATH "/etc/dcmspool/dcmspool.conf"

enum conf_answer_when {
	CONF_ANSWER_DELIVERED,
	CONF_ANSWER_SPOOLED
};
enum conf_on_timeout {
	CONF_TIMEOUT_REFUSE,
	CONF_TIMEOUT_ACCEPT
};
enum conf_on_link_down {
	CONF_LINK_DOWN_QUEUE,
	CONF_LINK_DOWN_REJECT
};
enum conf_status_class {
	CONF_STATUS_DELIVERED,
	CONF_STATUS_TRANSIENT,
	CONF_STATUS_PERMANENT
};

enum conf_tls_profile {
	CONF_TLS_BCP195,	 /* RFC 7525, PS3.15 B.9 */
	CONF_TLS_BCP195_ND,	 /* non-downgrading, PS3.15 B.10 */
	CONF_TLS_BCP195_EXTENDED /* PS3.15 B.11 */
};

/* A comma-separated list of literals, patterns or networks, trimmed. */
struct conf_patterns {
	char **pattern;
	size_t n;
};

/* TLS at one end; all files are PEM. */
struct conf_tls {
	bool on;	   /* the group is there */
	char *certificate; /* ours, and those between it and its root */
	char *private_key;
	char *passphrase_file;	    /* "" = the key is in the clear */
	char *trusted_certificates; /* "" = nobody's is asked for */
	char *revocation_lists;	    /* "" = none */
	enum conf_tls_profile profile;
	bool require_peer_certificate;
	struct conf_patterns peer_certificate; /* which: see peer.h */
};

struct conf_receiver {
	struct conf_patterns local_aet;	 /* called AE titles we answer to */
	struct conf_patterns remote_aet; /* calling AE titles let in */
	int port;
	char *local_interface;	   /* address or interface name; "" = all */
	struct conf_patterns peer; /* networks let in: see peer.h */
	int max_associations;
	int max_associations_per_peer;
	int64_t max_instance_bytes;	  /* 0 = no limit */
	int64_t max_queue_bytes_per_peer; /* the same */
	int max_pdu_bytes;
	int artim_s;
	int idle_timeout_s;
	int dimse_timeout_s;
	struct conf_patterns extra_sop_classes;
	struct conf_tls tls;
};

struct conf_route {
	struct conf_patterns remote_aet, local_aet, sop_class;
	struct conf_patterns peer, peer_certificate; /* see peer.h */
	size_t *destinations; /* indices into conf.destinations, in order */
	size_t destinations_n;
	bool *wait_for; /* destinations_n: whose result is waited for */
	int max_rate;	/* instances a second of an association; 0 = no limit */
	enum conf_answer_when answer_when;
	int response_timeout_s;
	enum conf_on_timeout on_timeout;
	enum conf_on_link_down on_link_down;
};

struct conf_status_rule {
	unsigned first, last; /* statuses, inclusive */
	enum conf_status_class class;
};

struct conf_destination {
	char *name;
	char *local_aet;  /* as whom; "%calling", "%called" */
	char *remote_aet; /* whom; the same */
	char *remote_host;
	int remote_port;
	int lanes;
	int idle_timeout_s;
	int max_pdu_bytes;
	int connect_timeout_s;
	int associate_timeout_s;
	int dimse_timeout_s;
	int retry_min_s;
	int retry_max_s;
	int max_attempts;
	int64_t keep_sent_s;
	int64_t keep_failed_s;	 /* 0 = for ever */
	int64_t max_queue_bytes; /* 0 = no limit */
	struct conf_status_rule *status_rules;
	size_t status_rules_n;
	struct conf_tls tls;
};

struct conf {
	char *path; /* the file it came from */
	char *storage_location;
	char *user; /* who the daemons run as; "" = whoever starts them */
	int sync_delay_ms;
	int64_t min_free_bytes;
	int64_t min_free_inodes;
	struct conf_receiver receiver;
	struct conf_route *routes;
	size_t routes_n;
	struct conf_destination *destinations;
	size_t destinations_n;
	enum log_level log_level;
	bool log_to_syslog;
	char *ledger; /* a file, "" = none */
};

/* The file to read: `option` (-c), else $DCMSPOOL_CONF, else the default. */
const char *conf_path(const char *option);

/* Reads and checks the whole file. *conf is the caller's, for conf_free. */
int conf_load(const char *path, struct conf **conf, struct err *err);
void conf_free(struct conf *conf);

/* Whether one of the patterns matches: case-sensitive, the whole string. */
bool conf_patterns_match(const struct conf_patterns *patterns, const char *s);

/* The destination of that name, or NULL. */
const struct conf_destination *conf_find_destination(
    const struct conf *conf, const char *name);

/* Whether two destinations are the same in every setting. */
bool conf_destination_equal(
    const struct conf_destination *a, const struct conf_destination *b);

#endif
