/*
 * spool/conf.c and its parts: what is read, and what comes of it.
 *
 * Errors: assertions of CUnit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../spool/conf.h"
#include "../spool/conf_table.h"
#include "test.h"
#include "test_conf_text.h"

/* Scanned for what is wrong with numbers only, not what looks like it. */
static void
test_text_good(void)
{
	struct conf *conf;

	conf = conf_text_load_good(CONF_TOP,
	    "# 5000000000 @include \"x\" \"\n"
	    "// 5000000000 \"\n/* 5000000000 \n \" @include */\n"
	    "MinFreeBytes = 5000000000L; MinFreeInodes = 0x10;");
	CU_ASSERT_EQUAL(conf->min_free_bytes, INT64_C(5000000000));
	CU_ASSERT_EQUAL(conf->min_free_inodes, 16);
	conf_free(conf);
	conf = conf_text_load_good(CONF_DESTINATIONS,
	    "StatusClass = ( \"0xA900 transient\" ); KeepSent = 7;"
	    "MaxQueueBytes = 9223372036L; Lanes = 2L; LocalAET = \"9999999\";");
	CU_ASSERT_EQUAL(
	    conf->destinations[0].max_queue_bytes, INT64_C(9223372036));
	CU_ASSERT_EQUAL(conf->destinations[0].lanes, 2);
	CU_ASSERT_EQUAL(conf->destinations[0].keep_sent_s, 7);
	conf_free(conf);
}

static void
test_lists(void)
{
	const struct conf_route *route;
	struct conf *conf;

	conf = conf_text_load_good(CONF_ROUTES,
	    "WaitFor = \" B\\t\"; RemoteAET = "
	    "\" CT* ,  MR ?,[AB]x, %x\";"
	    "AnswerWhen = \"spooled\"; OnTimeout = "
	    "\"accept\"; OnLinkDown = \"reject\";");
	route = &conf->routes[0];
	CU_ASSERT_EQUAL(route->destinations_n, 2);
	CU_ASSERT_EQUAL(route->destinations[0], 0);
	CU_ASSERT_EQUAL(route->destinations[1], 1);
	CU_ASSERT_FALSE(route->wait_for[0]);
	CU_ASSERT_TRUE(route->wait_for[1]);
	CU_ASSERT_EQUAL(route->answer_when, CONF_ANSWER_SPOOLED);
	CU_ASSERT_EQUAL(route->on_timeout, CONF_TIMEOUT_ACCEPT);
	CU_ASSERT_EQUAL(route->on_link_down, CONF_LINK_DOWN_REJECT);
	CU_ASSERT_EQUAL_FATAL(route->remote_aet.n, 4);
	CU_ASSERT_STRING_EQUAL(route->remote_aet.pattern[0], "CT*");
	CU_ASSERT_STRING_EQUAL(route->remote_aet.pattern[1], "MR ?");
	CU_ASSERT_TRUE(conf_patterns_match(&route->remote_aet, "CT"));
	CU_ASSERT_TRUE(conf_patterns_match(&route->remote_aet, "CT1/a"));
	CU_ASSERT_TRUE(conf_patterns_match(&route->remote_aet, "MR 1"));
	CU_ASSERT_TRUE(conf_patterns_match(&route->remote_aet, "Bx"));
	CU_ASSERT_FALSE(conf_patterns_match(&route->remote_aet, "ct1"));
	CU_ASSERT_FALSE(conf_patterns_match(&route->remote_aet, "xCT"));
	CU_ASSERT_FALSE(conf_patterns_match(&route->remote_aet, "Bxx"));
	CU_ASSERT_FALSE(conf_patterns_match(&route->remote_aet, ""));
	CU_ASSERT_FALSE(
	    conf_patterns_match(&conf->receiver.extra_sop_classes, "1.2"));
	conf_free(conf);
}

static void
test_status_class(void)
{
	const struct conf_destination *destination;
	struct conf *conf;

	conf = conf_text_load_good(CONF_DESTINATIONS,
	    "LocalAET = \"%calling\"; StatusClass = [ \"0xA900 transient\", "
	    "\" 0xb000-0xBFFF  permanent \", \"0x0111 delivered\" ];");
	destination = &conf->destinations[0];
	CU_ASSERT_STRING_EQUAL(destination->local_aet, "%calling");
	CU_ASSERT_EQUAL_FATAL(destination->status_rules_n, 3);
	CU_ASSERT_EQUAL(destination->status_rules[0].first, 0xA900);
	CU_ASSERT_EQUAL(destination->status_rules[0].last, 0xA900);
	CU_ASSERT_EQUAL(
	    destination->status_rules[0].class, CONF_STATUS_TRANSIENT);
	CU_ASSERT_EQUAL(destination->status_rules[1].first, 0xB000);
	CU_ASSERT_EQUAL(destination->status_rules[1].last, 0xBFFF);
	CU_ASSERT_EQUAL(
	    destination->status_rules[1].class, CONF_STATUS_PERMANENT);
	CU_ASSERT_EQUAL(
	    destination->status_rules[2].class, CONF_STATUS_DELIVERED);
	conf_free(conf);
}

/* The same text is equal; any one key of a destination makes it another. */
static void
test_equal(void)
{
	static const char *const changes[] = {"LocalAET = \"Z\";",
	    "RemotePort = 5;", "Lanes = 2;", "IdleTimeout = 5;",
	    "MaxPDU = 5000;", "ConnectTimeout = 5;", "AssociateTimeout = 5;",
	    "DimseTimeout = 5;", "RetryMin = 5;", "RetryMax = 5;",
	    "MaxAttempts = 5;", "KeepSent = 5;", "KeepFailed = 5;",
	    "MaxQueueBytes = 5;", "StatusClass = [ \"0xA900 transient\" ];",
	    "tls = { Certificate = \"/c\"; PrivateKey = \"/k\"; "
	    "TrustedCertificates = \"/t\"; };"};
	struct conf *one, *other;
	size_t i;

	one = conf_text_load_good(NULL, NULL);
	other = conf_text_load_good(
	    CONF_LOG, "Level = \"debug\"; To = \"syslog\";");
	CU_ASSERT_EQUAL(other->log_level, LOG_LEVEL_DEBUG);
	CU_ASSERT_TRUE(other->log_to_syslog);
	CU_ASSERT_TRUE(conf_destination_equal(
	    &one->destinations[0], conf_find_destination(other, "A")));
	CU_ASSERT_FALSE(conf_destination_equal(
	    &one->destinations[0], conf_find_destination(other, "B")));
	CU_ASSERT_PTR_NULL(conf_find_destination(other, "C"));
	conf_free(other);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		other = conf_text_load_good(CONF_DESTINATIONS, changes[i]);
		CU_ASSERT_FALSE(conf_destination_equal(
		    &one->destinations[0], &other->destinations[0]));
		conf_free(other);
	}
	conf_free(one);
}

static void
test_tls(void)
{
	static const char *const changes[] = {"", "PassphraseFile = \"/p\";",
	    "RevocationLists = \"/r\";", "Profile = \"BCP195-ND\";",
	    "RequirePeerCertificate = false;", "PeerCertificate = \"a, b\";"};
	struct conf *conf[2];
	const struct conf_tls *tls;
	char setting[256];
	size_t i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		(void)snprintf(setting, sizeof(setting),
		    "tls = { Certificate = \"/c\"; PrivateKey = \"/k\"; "
		    "TrustedCertificates = \"/t\"; %s };",
		    changes[i]);
		conf[i > 0] = conf_text_load_good(CONF_DESTINATIONS, setting);
		if (i == 0)
			continue;
		CU_ASSERT_FALSE(conf_destination_equal(
		    &conf[0]->destinations[0], &conf[1]->destinations[0]));
		conf_free(conf[1]);
	}
	tls = &conf[0]->destinations[0].tls;
	CU_ASSERT_TRUE(tls->on);
	CU_ASSERT_STRING_EQUAL(tls->certificate, "/c");
	CU_ASSERT_STRING_EQUAL(tls->passphrase_file, "");
	CU_ASSERT_STRING_EQUAL(tls->revocation_lists, "");
	CU_ASSERT_EQUAL(tls->profile, CONF_TLS_BCP195);
	CU_ASSERT_TRUE(tls->require_peer_certificate);
	CU_ASSERT_EQUAL_FATAL(tls->peer_certificate.n, 1);
	CU_ASSERT_STRING_EQUAL(tls->peer_certificate.pattern[0], "*");
	CU_ASSERT_FALSE(conf[0]->receiver.tls.on);
	conf_free(conf[0]);
}

static void
test_path(void)
{
	CU_ASSERT_EQUAL(unsetenv("DCMSPOOL_CONF"), 0);
	CU_ASSERT_STRING_EQUAL(conf_path(NULL), CONF_DEFAULT_PATH);
	CU_ASSERT_STRING_EQUAL(conf_path("x"), "x");
	CU_ASSERT_EQUAL(setenv("DCMSPOOL_CONF", "y", 1), 0);
	CU_ASSERT_STRING_EQUAL(conf_path(NULL), "y");
	CU_ASSERT_STRING_EQUAL(conf_path("x"), "x");
	CU_ASSERT_EQUAL(setenv("DCMSPOOL_CONF", "", 1), 0);
	CU_ASSERT_STRING_EQUAL(conf_path(NULL), CONF_DEFAULT_PATH);
	CU_ASSERT_EQUAL(unsetenv("DCMSPOOL_CONF"), 0);
}

static const struct test_case cases[] = {
    {"comments, strings and long numbers are read", test_text_good},
    {"lists are split, trimmed and matched", test_lists},
    {"StatusClass is read", test_status_class},
    {"destinations are compared", test_equal}, {"TLS is read", test_tls},
    {"the file is found", test_path}, {0}};
TEST_SUITE(conf, cases)
