/*
 * The table of all keys of the configuration.
 *
 * Errors: none; data only.
 */
#include <string.h>

#include "conf.h"
#include "conf_table.h"

#define DAY  86400
#define YEAR (366 * (int64_t)DAY)
#define GIB  ((int64_t)1 << 30)
#define EIB  ((int64_t)1 << 60)

/* What DCMTK can do (ASC_MINIMUMPDUSIZE, ASC_MAXIMUMPDUSIZE). */
#define PDU_MIN 4096
#define PDU_MAX 131072

#define TOP(field)	CONF_TOP, offsetof(struct conf, field)
#define RECEIVER(field) CONF_RECEIVER, offsetof(struct conf_receiver, field)
#define ROUTE(field)	CONF_ROUTES, offsetof(struct conf_route, field)
#define DESTINATION(field)                                                     \
	CONF_DESTINATIONS, offsetof(struct conf_destination, field)
#define IN_LOG(field) CONF_LOG, offsetof(struct conf, field)
#define IN_TLS(field) CONF_TLS, offsetof(struct conf_tls, field)

/* One row each; `place` is a group and an offset, from one of the above. */
#define ROW(...) ROW_EXPAND(__VA_ARGS__)
#define ROW_EXPAND(group_, offset_, name_, ...)                                \
	{                                                                      \
		.group = (group_), .offset = (offset_), .name = (name_),       \
		__VA_ARGS__                                                    \
	}
#define NUMBER(place, type_, name, default_, min_, max_, unit_)                \
	ROW(place, name, .type = (type_), .number = (default_), .min = (min_), \
	    .max = (max_), .unit = (unit_))
#define WORD(place, type_, name, default_, words_)                             \
	ROW(place, name, .type = (type_), .text = (default_), .words = (words_))
#define TEXT(place, type_, name, default_, example_)                           \
	ROW(place, name, .type = (type_), .text = (default_),                  \
	    .example = (example_))
#define REQUIRED(place, type_, name, example_)                                 \
	ROW(place, name, .type = (type_), .required = true,                    \
	    .example = (example_))

#define TLS_EXAMPLE                                                            \
	"{ Certificate = \"/etc/dcmspool/cert.pem\"; PrivateKey = "            \
	"\"/etc/dcmspool/key.pem\"; TrustedCertificates = "                    \
	"\"/etc/dcmspool/ca.pem\"; }"

/* In the order of the enums in conf.h and log.h. */
static const char *const answer_when[] = {"delivered", "spooled", NULL};
static const char *const on_timeout[] = {"refuse", "accept", NULL};
static const char *const on_link_down[] = {"queue", "reject", NULL};
static const char *const profiles[] = {
    "BCP195", "BCP195-ND", "BCP195-Extended", NULL};
static const char *const log_level[] = {
    "debug", "info", "warning", "error", NULL};
static const char *const log_to[] = {"stderr", "syslog", NULL};

/* clang-format off */
static const struct conf_key table[] = {
    REQUIRED(TOP(storage_location), CONF_FOLDER, "StorageLocation",
	"\"/var/spool/dcmspool\""),
    TEXT(TOP(user), CONF_USER, "User", "", "\"dcmspool\""),
    NUMBER(TOP(sync_delay_ms), CONF_INT, "SyncDelay", 20, 0, 10000,
	"milliseconds"),
    NUMBER(TOP(min_free_bytes), CONF_INT64, "MinFreeBytes", GIB, 0, EIB,
	"bytes"),
    NUMBER(TOP(min_free_inodes), CONF_INT64, "MinFreeInodes", 10000, 0, EIB,
	"inodes"),

    REQUIRED(RECEIVER(local_aet), CONF_AETS, "LocalAET", "\"ENS-SCP\""),
    REQUIRED(RECEIVER(remote_aet), CONF_AETS, "RemoteAET",
	"\"JD-SCU, CT*\""),
    NUMBER(RECEIVER(port), CONF_INT, "IPPort", 1112, 1, 65535, NULL),
    TEXT(RECEIVER(local_interface), CONF_HOST, "LocalInterface", "",
	"\"127.0.0.1\""),
    TEXT(RECEIVER(peer), CONF_NETWORKS, "Peer", "*",
	"\"10.1.0.0/16, 2001:db8::/32\""),
    NUMBER(RECEIVER(max_associations), CONF_INT, "MaxAssociations", 100, 1,
	10000, "associations"),
    NUMBER(RECEIVER(max_associations_per_peer), CONF_INT,
	"MaxAssociationsPerPeer", 80, 1, 10000, "associations"),
    NUMBER(RECEIVER(max_instance_bytes), CONF_INT64, "MaxInstanceBytes", 0, 0,
	EIB, "bytes"),
    NUMBER(RECEIVER(max_queue_bytes_per_peer), CONF_INT64,
	"MaxQueueBytesPerPeer", 0, 0, EIB, "bytes"),
    NUMBER(RECEIVER(max_pdu_bytes), CONF_INT, "MaxPDU", PDU_MAX, PDU_MIN,
	PDU_MAX, "bytes"),
    NUMBER(RECEIVER(artim_s), CONF_INT, "ARTIM", 10, 1, 3600, "seconds"),
    NUMBER(RECEIVER(idle_timeout_s), CONF_INT, "IdleTimeout", 600, 1, DAY,
	"seconds"),
    NUMBER(RECEIVER(dimse_timeout_s), CONF_INT, "DimseTimeout", 30, 1, DAY,
	"seconds"),
    TEXT(RECEIVER(extra_sop_classes), CONF_UIDS, "ExtraSOPClasses", "",
	"\"1.3.12.2.1107.5.9.1, 1.2.840.113619.4.*\""),
    TEXT(RECEIVER(tls), CONF_TLS_GROUP, "tls", NULL, TLS_EXAMPLE),

    TEXT(ROUTE(remote_aet), CONF_AETS, "RemoteAET", "*", "\"CT*\""),
    TEXT(ROUTE(local_aet), CONF_AETS, "LocalAET", "*", "\"ENS-SCP\""),
    TEXT(ROUTE(peer), CONF_NETWORKS, "Peer", "*", "\"10.1.0.0/16\""),
    TEXT(ROUTE(peer_certificate), CONF_CERTIFICATES, "PeerCertificate", "*",
	"\"ct1.example.org\""),
    TEXT(ROUTE(sop_class), CONF_UIDS, "SOPClass", "*",
	"\"1.2.840.10008.5.1.4.1.1.2*\""),
    NUMBER(ROUTE(max_rate), CONF_INT, "MaxRate", 0, 0, 100000,
	"instances"),
    /* before WaitFor, which is checked against it */
    REQUIRED(ROUTE(destinations), CONF_TARGETS, "DuplexTargetConfigNames",
	"\"PACS, ARCHIVE\""),
    TEXT(ROUTE(wait_for), CONF_WAIT_FOR, "WaitFor", NULL, "\"PACS\""),
    WORD(ROUTE(answer_when), CONF_WORD, "AnswerWhen", "delivered",
	answer_when),
    NUMBER(ROUTE(response_timeout_s), CONF_INT, "ResponseTimeout", 25, 1, DAY,
	"seconds"),
    WORD(ROUTE(on_timeout), CONF_WORD, "OnTimeout", "refuse", on_timeout),
    WORD(ROUTE(on_link_down), CONF_WORD, "OnLinkDown", "queue", on_link_down),

    REQUIRED(DESTINATION(name), CONF_NAME, "Name", "\"PACS\""),
    TEXT(DESTINATION(local_aet), CONF_AET, "LocalAET", "ENS-SCU",
	"\"ENS-SCU\""),
    REQUIRED(DESTINATION(remote_aet), CONF_AET, "RemoteAET", "\"JD-SCP\""),
    REQUIRED(DESTINATION(remote_host), CONF_HOST, "RemoteHost",
	"\"192.0.2.10\""),
    NUMBER(DESTINATION(remote_port), CONF_INT, "RemotePort", 104, 1, 65535,
	NULL),
    NUMBER(DESTINATION(lanes), CONF_INT, "Lanes", 1, 1, 64, "associations"),
    NUMBER(DESTINATION(idle_timeout_s), CONF_INT, "IdleTimeout", 30, 0, DAY,
	"seconds"),
    NUMBER(DESTINATION(max_pdu_bytes), CONF_INT, "MaxPDU", PDU_MAX, PDU_MIN,
	PDU_MAX, "bytes"),
    NUMBER(DESTINATION(connect_timeout_s), CONF_INT, "ConnectTimeout", 10, 1,
	3600, "seconds"),
    NUMBER(DESTINATION(associate_timeout_s), CONF_INT, "AssociateTimeout", 30,
	1, 3600, "seconds"),
    NUMBER(DESTINATION(dimse_timeout_s), CONF_INT, "DimseTimeout", 300, 1, DAY,
	"seconds"),
    NUMBER(DESTINATION(retry_min_s), CONF_INT, "RetryMin", 1, 1, DAY,
	"seconds"),
    NUMBER(DESTINATION(retry_max_s), CONF_INT, "RetryMax", 300, 1, DAY,
	"seconds"),
    NUMBER(DESTINATION(max_attempts), CONF_INT, "MaxAttempts", 50, 1, 1000000,
	"attempts"),
    NUMBER(DESTINATION(keep_sent_s), CONF_INT64, "KeepSent", 0, 0, 100 * YEAR,
	"seconds"),
    NUMBER(DESTINATION(keep_failed_s), CONF_INT64, "KeepFailed", 0, 0,
	100 * YEAR, "seconds"),
    NUMBER(DESTINATION(max_queue_bytes), CONF_INT64, "MaxQueueBytes", 0, 0,
	EIB, "bytes"),
    TEXT(DESTINATION(status_rules), CONF_STATUS_CLASSES, "StatusClass", NULL,
	"[ \"0xA900 transient\", \"0xB000-0xBFFF permanent\" ]"),
    TEXT(DESTINATION(tls), CONF_TLS_GROUP, "tls", NULL, TLS_EXAMPLE),

    REQUIRED(IN_TLS(certificate), CONF_FILE, "Certificate",
	"\"/etc/dcmspool/cert.pem\""),
    REQUIRED(IN_TLS(private_key), CONF_FILE, "PrivateKey",
	"\"/etc/dcmspool/key.pem\""),
    TEXT(IN_TLS(passphrase_file), CONF_FILE, "PassphraseFile", "",
	"\"/etc/dcmspool/passphrase\""),
    TEXT(IN_TLS(trusted_certificates), CONF_FILE, "TrustedCertificates", "",
	"\"/etc/dcmspool/ca.pem\""),
    TEXT(IN_TLS(revocation_lists), CONF_FILE, "RevocationLists", "",
	"\"/etc/dcmspool/crl.pem\""),
    WORD(IN_TLS(profile), CONF_WORD, "Profile", "BCP195", profiles),
    ROW(IN_TLS(require_peer_certificate), "RequirePeerCertificate",
	.type = CONF_BOOL, .number = true, .example = "true"),
    TEXT(IN_TLS(peer_certificate), CONF_CERTIFICATES, "PeerCertificate", "*",
	"\"pacs.example.org\""),

    WORD(IN_LOG(log_level), CONF_WORD, "Level", "info", log_level),
    WORD(IN_LOG(log_to_syslog), CONF_FLAG, "To", "stderr", log_to),
    TEXT(IN_LOG(ledger), CONF_FILE, "Ledger", "",
	"\"/var/log/dcmspool/ledger\""),
};
/* clang-format on */

const struct conf_key *
conf_table(size_t *n)
{
	*n = sizeof(table) / sizeof(table[0]);
	return table;
}

const struct conf_key *
conf_table_find(const char *group, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].group, group) == 0 &&
		    strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}
