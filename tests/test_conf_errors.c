/*
 * spool/conf.c and its parts: what each error says, with file, line and key.
 *
 * Errors: assertions of CUnit.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../spool/conf.h"
#include "../spool/conf_table.h"
#include "test.h"
#include "test_conf_text.h"

/* Where the settings are that are put into the groups, and their names. */
static const unsigned slot_lines[] = {1, 5, 8, 11, 15};
static const char *const slot_prefixes[] = {
    "", "receiver.", "routes[0].", "destinations[0].", "log."};

struct bad {
	struct conf_text_edit edit;
	unsigned line;
	const char *key;  /* "" = none */
	const char *hint; /* part of the text behind it */
};

static void
check_text(
    const struct err *err, unsigned line, const char *key, const char *hint)
{
	char prefix[256];

	(void)snprintf(prefix, sizeof(prefix), "%s:%u: %s%s", conf_text_file(),
	    line, key, *key != '\0' ? ": " : "");
	if (strncmp(err->text, prefix, strlen(prefix)) == 0 &&
	    strstr(err->text + strlen(prefix), hint) != NULL)
		return;
	(void)fprintf(
	    stderr, "\n%s\nis not: %s...%s\n", err->text, prefix, hint);
	CU_FAIL("wrong message");
}

static void
check_bad(const struct bad *bad)
{
	struct conf *conf = NULL;
	struct err err = {0};

	CU_ASSERT_EQUAL(conf_text_load(&bad->edit, &conf, &err), -1);
	CU_ASSERT_PTR_NULL(conf);
	CU_ASSERT_EQUAL(err.class, ERR_CONFIG);
	check_text(&err, bad->line, bad->key, bad->hint);
	conf_free(conf);
}

static void
check_all(const struct bad *bad, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		check_bad(&bad[i]);
}

#define CHECK_ALL(bad) check_all((bad), sizeof(bad) / sizeof((bad)[0]))
#define IN(group, setting)                                                     \
	{                                                                      \
		(group), (setting), NULL, NULL                                 \
	}
#define EDIT(find, replace)                                                    \
	{                                                                      \
		NULL, NULL, (find), (replace)                                  \
	}
#define DROP(find)  EDIT(find, "")
#define IN_DEST(s)  IN(CONF_DESTINATIONS, s)
#define IN_ROUTE(s) IN(CONF_ROUTES, s)

static void
test_unknown(void)
{
	static const struct bad bad[] = {
	    {IN(CONF_TOP, "Usr = \"x\";"), 1, "Usr", "is unknown; write"},
	    {IN(CONF_TOP, "User = \"no body\";"), 1, "User",
		"is not a user's name"},
	    {IN(CONF_TOP, "syncdelay = 5;"), 1, "syncdelay", "write SyncDelay"},
	    {IN(CONF_TOP, "IPPort = 5;"), 1, "IPPort", "in receiver"},
	    {IN(CONF_RECEIVER, "Colour = 1;"), 5, "receiver.Colour",
		"LocalAET"},
	    {IN(CONF_RECEIVER, "SyncDelay = 5;"), 5, "receiver.SyncDelay",
		"outside of the groups"},
	    {IN_ROUTE("Colour = 1;"), 8, "routes[0].Colour", "AnswerWhen"},
	    {IN_DEST("Colour = 1;"), 11, "destinations[0].Colour",
		"StatusClass"},
	    {EDIT("};\nroutes", "};\nx = { };\nroutes"), 6, "x",
		"receiver routes destinations log"},
	    {IN(CONF_LOG, "Colour = 1;"), 15, "log.Colour", "Level To"},
	};

	CHECK_ALL(bad);
}

static void
test_missing(void)
{
	static const struct bad bad[] = {
	    {DROP("StorageLocation = \"/s\";"), 1, "StorageLocation",
		"is missing; write StorageLocation = \"/"},
	    {DROP("LocalAET = \"ENS-SCP\";"), 2, "receiver.LocalAET",
		"is missing"},
	    {DROP("RemoteAET = \"JD-SCU\";"), 2, "receiver.RemoteAET",
		"is missing"},
	    {DROP("DuplexTargetConfigNames = \"A, B\";"), 6,
		"routes[0].DuplexTargetConfigNames", "is missing"},
	    {DROP("Name = \"A\";"), 9, "destinations[0].Name", "is missing"},
	    {DROP("RemoteAET = \"Y\";"), 12, "destinations[1].RemoteAET",
		"is missing"},
	    {DROP("RemoteHost = \"h\";"), 9, "destinations[0].RemoteHost",
		"is missing"},
	    {EDIT("routes = ( {\n	DuplexTargetConfigNames = \"A, B\";\n"
		  "	 } );\n",
		 ""),
		1, "routes", "write routes = ("},
	    {EDIT("{\n	DuplexTargetConfigNames = \"A, B\";\n	 }", ""), 6,
		"routes", "is empty, so nothing could be stored"},
	    {EDIT("routes = (", "routes = ( 1,"), 6, "routes[0]",
		"is no group"},
	    {EDIT("log = {  }", "log = 5"), 15, "log", "is no group"},
	    {EDIT("receiver = {\n	LocalAET = \"ENS-SCP\";\n"
		  "	RemoteAET = \"JD-SCU\";\n	 };\n",
		 ""),
		1, "receiver", "is missing; write receiver = {"},
	};

	CHECK_ALL(bad);
}

static void
test_types(void)
{
	static const struct bad bad[] = {
	    {EDIT("\"/s\"", "5"), 1, "StorageLocation",
		"is a whole number; write StorageLocation = \"/"},
	    {IN(CONF_RECEIVER, "IPPort = \"104\";"), 5, "receiver.IPPort",
		"is a string; write a whole number from 1 to 65535"},
	    {IN(CONF_RECEIVER, "ARTIM = 1.5;"), 5, "receiver.ARTIM",
		"a floating-point number; write a whole number from 1 to 3600 "
		"(seconds)"},
	    {IN(CONF_TOP, "SyncDelay = true;"), 1, "SyncDelay", "a boolean"},
	    {IN_ROUTE("AnswerWhen = 1;"), 8, "routes[0].AnswerWhen",
		"write \"delivered\" or \"spooled\""},
	    {IN_ROUTE("WaitFor = [ \"A\" ];"), 8, "routes[0].WaitFor",
		"is an array"},
	    {IN_DEST("StatusClass = \"0xA900 transient\";"), 11,
		"destinations[0].StatusClass", "write StatusClass = ["},
	    {IN_DEST("StatusClass = (\n5 );"), 12,
		"destinations[0].StatusClass", "is a whole number"},
	    {EDIT("destinations = ( {\n	Name = \"A\"; RemoteAET = \"X\";\n"
		  "	RemoteHost = \"h\"; \n"
		  "}, {\n	Name = \"B\"; RemoteAET = \"Y\"; RemoteHost = "
		  "\"h\";\n} )",
		 "destinations = { }"),
		9, "destinations", "is no list"},
	};

	CHECK_ALL(bad);
}

static void
test_values(void)
{
	static const struct bad bad[] = {
	    {EDIT("\"/s\"", "\"s\""), 1, "StorageLocation", "absolute path"},
	    {EDIT("\"/s\"", "\"/s\\n\""), 1, "StorageLocation",
		"\"/s?\" is not an absolute path"},
	    {IN_ROUTE("AnswerWhen = \"Spooled\";"), 8, "routes[0].AnswerWhen",
		"\"Spooled\" is unknown; write \"delivered\" or \"spooled\""},
	    {IN_ROUTE("OnTimeout = \"x\";"), 8, "routes[0].OnTimeout",
		"write \"refuse\" or \"accept\""},
	    {IN_ROUTE("OnLinkDown = \"x\";"), 8, "routes[0].OnLinkDown",
		"write \"queue\" or \"reject\""},
	    {IN(CONF_LOG, "Level = \"loud\";"), 15, "log.Level",
		"write \"debug\" or \"info\" or \"warning\" or \"error\""},
	    {IN(CONF_LOG, "To = \"file\";"), 15, "log.To",
		"write \"stderr\" or \"syslog\""},
	    {EDIT("\"A\"", "\"../A\""), 10, "destinations[0].Name",
		"is not a name; write 1 to 64"},
	    {EDIT("\"B\"", "\"A\""), 13, "destinations[1].Name",
		"is there twice"},
	    {EDIT("RemoteHost = \"h\"", "RemoteHost = \"\""), 11,
		"destinations[0].RemoteHost", "is empty"},
	    {EDIT("RemoteHost = \"h\"", "RemoteHost = \"h h\""), 11,
		"destinations[0].RemoteHost", "has blanks"},
	    {IN_DEST("RetryMin = 301;"), 11, "destinations[0].RetryMin",
		"RetryMin (301) is greater than RetryMax (300)"},
	    {IN_DEST("\nRetryMin = 9;\nRetryMax = 8;"), 12,
		"destinations[0].RetryMin", "is greater"},
	};

	CHECK_ALL(bad);
}

static void
test_ae_titles(void)
{
	static const struct bad bad[] = {
	    {EDIT("\"ENS-SCP\"", "\"A, SEVENTEEN-LETTERS\""), 3,
		"receiver.LocalAET", "is longer than 16 characters"},
	    {EDIT("\"ENS-SCP\"", "\"A\\\\B\""), 3, "receiver.LocalAET",
		"a backslash"},
	    {EDIT("\"JD-SCU\"", "\"A\\x07\""), 4, "receiver.RemoteAET",
		"\"A?\" holds a control character"},
	    {EDIT("\"JD-SCU\"", "\"J\303\234RG\""), 4, "receiver.RemoteAET",
		"beyond ASCII"},
	    {EDIT("\"JD-SCU\"", "\"  \""), 4, "receiver.RemoteAET",
		"is empty; write RemoteAET = "},
	    {EDIT("\"JD-SCU\"", "\"A,,B\""), 4, "receiver.RemoteAET",
		"has an empty entry"},
	    {EDIT("\"JD-SCU\"", "\"A,\""), 4, "receiver.RemoteAET",
		"has an empty entry"},
	    {IN_ROUTE("RemoteAET = \"\";"), 8, "routes[0].RemoteAET",
		"is empty"},
	    {IN_ROUTE("SOPClass = \"CTImageStorage\";"), 8,
		"routes[0].SOPClass", "is no UID"},
	    {IN_DEST("LocalAET = \"SEVENTEEN-LETTERS\";"), 11,
		"destinations[0].LocalAET", "is longer than 16"},
	    {IN_DEST("LocalAET = \" \";"), 11, "destinations[0].LocalAET",
		"is empty; write an AE title"},
	    {IN_DEST("LocalAET = \"%caller\";"), 11, "destinations[0].LocalAET",
		"write \"%calling\", \"%called\""},
	    {EDIT("\"X\"", "\"A\\tB\""), 10, "destinations[0].RemoteAET",
		"control character"},
	};

	CHECK_ALL(bad);
}

static void
test_references(void)
{
	static const struct bad bad[] = {
	    {EDIT("\"A, B\"", "\"A, C\""), 7,
		"routes[0].DuplexTargetConfigNames",
		"\"C\" is not the Name of a destination; write one of: A, B"},
	    {EDIT("\"A, B\"", "\"A, B, A\""), 7,
		"routes[0].DuplexTargetConfigNames", "twice"},
	    {EDIT("\"A, B\"", "\" \""), 7, "routes[0].DuplexTargetConfigNames",
		"is empty; write DuplexTargetConfigNames = "},
	    {IN_ROUTE("WaitFor = \"\";"), 8, "routes[0].WaitFor",
		"AnswerWhen = \"spooled\""},
	    {IN_ROUTE("WaitFor = \"C\";"), 8, "routes[0].WaitFor",
		"is not in this route's DuplexTargetConfigNames"},
	    {{CONF_ROUTES, "WaitFor = \"B\";", "\"A, B\"", "\"A\""}, 8,
		"routes[0].WaitFor", "\"B\" is not in this route's"},
	};

	CHECK_ALL(bad);
}

static void
test_status_class_errors(void)
{
	static const char *const rules[] = {"", "0xA900", "transient",
	    "A900 transient", "0xA90 transient", "0xA9000 transient",
	    "0xA900 Transient", "0xA900transient", "0xA900 transient x",
	    "0xB000- permanent", "0xB000-0xAFFF permanent", "0x0000 permanent",
	    "0x0000-0xFFFF permanent", "-1 permanent"};
	char setting[128];
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct bad bad = {IN_DEST(setting), 12,
		    "destinations[0].StatusClass",
		    "is no rule; write a status or a range"};

		(void)snprintf(setting, sizeof(setting),
		    "StatusClass = [ \"0xA900 transient\",\n\"%s\" ];",
		    rules[i]);
		check_bad(&bad);
	}
}

static void
test_text_errors(void)
{
	static const struct bad bad[] = {
	    {IN(CONF_TOP, "MinFreeBytes = 5000000000;"), 1, "MinFreeBytes",
		"does not fit into 32 bits; write 5000000000L"},
	    {IN(CONF_TOP, "/* \n */ MinFreeBytes = 0x80000000;"), 2,
		"MinFreeBytes", "write 0x80000000L"},
	    {IN(CONF_TOP, "MinFreeBytes = 99999999999999999999L;"), 1,
		"MinFreeBytes", "does not fit into 64 bits"},
	    {IN(CONF_TOP, "\n@include \"x.conf\"\n"), 2, "StorageLocation",
		"@include is not supported; write all"},
	    {IN(CONF_LOG, "To = \"syslog;"), 15, "To", "a text begins here"},
	    {IN(CONF_RECEIVER, "ARTIM = 5; /* \n"), 5, "ARTIM",
		"a comment begins here"},
	    {EDIT("};\nroutes", "}\nroutes ="), 6, "", "syntax error"},
	    {IN(CONF_TOP, "SyncDelay = 1;\nSyncDelay = 2;"), 2, "",
		"duplicate setting name, here or in the line before: "
		"SyncDelay = 2;; write"},
	};

	CHECK_ALL(bad);
}

static void
test_nul(void)
{
	static const char text[] = "StorageLocation = \"/s\";\n# \0\n";
	struct conf *conf = NULL;
	struct err err = {0};

	conf_text_write(conf_text_file(), text, sizeof(text) - 1);
	CU_ASSERT_EQUAL(conf_load(conf_text_file(), &conf, &err), -1);
	check_text(&err, 2, "", "a NUL byte");
}

static void
test_unreadable(void)
{
	struct conf *conf = NULL;
	struct err err = {0};

	CU_ASSERT_EQUAL(conf_load("/nowhere/x.conf", &conf, &err), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CONFIG);
	CU_ASSERT_EQUAL(err.sys, ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nowhere/x.conf"));
	CU_ASSERT_EQUAL(conf_load("/", &conf, &err), -1);
	CU_ASSERT_EQUAL(err.class, ERR_CONFIG);
	CU_ASSERT_PTR_NULL(conf);
}

#define DIGEST                                                                 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILES "Certificate = \"/c\"; PrivateKey = \"/k\"; "

static void
test_tls_errors(void)
{
	static const struct bad bad[] = {
	    {IN(CONF_RECEIVER, "tls = 5;"), 5, "receiver.tls",
		"is a whole number; write tls = { Certificate = "},
	    {IN(CONF_RECEIVER, "tls = { };"), 5, "receiver.tls.Certificate",
		"is missing; write Certificate = \"/"},
	    {IN_DEST("tls = {\nCertificate = \"/c\"; };"), 11,
		"destinations[0].tls.PrivateKey", "is missing"},
	    {IN_DEST("tls = { " FILES "};"), 11,
		"destinations[0].tls.TrustedCertificates",
		"is missing; write whose"},
	    {IN_DEST("tls = { " FILES "\nColour = 1; };"), 12,
		"destinations[0].tls.Colour",
		"is unknown; write one of: Certificate PrivateKey"},
	    {IN_DEST("tls = { Certificate = \"c\"; };"), 11,
		"destinations[0].tls.Certificate", "is not an absolute path"},
	    {IN_DEST("tls = { Certificate = \"\"; };"), 11,
		"destinations[0].tls.Certificate", "is not an absolute path"},
	    {IN_DEST("tls = { " FILES "Profile = \"SSLv3\"; };"), 11,
		"destinations[0].tls.Profile", "write \"BCP195\" or"},
	    {IN_DEST("tls = { " FILES "RequirePeerCertificate = 1; };"), 11,
		"destinations[0].tls.RequirePeerCertificate",
		"write RequirePeerCertificate = true"},
	    {IN_DEST("tls = { " FILES "RequirePeerCertificate = false; "
		     "RevocationLists = \"/r\"; };"),
		11, "destinations[0].tls.RevocationLists", "is of no use"},
	    {IN_DEST("tls = { " FILES "RequirePeerCertificate = false; "
		     "PeerCertificate = \"sha256:" DIGEST ", pacs\"; };"),
		11, "destinations[0].tls.PeerCertificate", "the name pacs"},
	    {IN(CONF_RECEIVER,
		 "tls = { " FILES "RequirePeerCertificate = false; "
		 "PeerCertificate = \"sha256:" DIGEST "\"; };"),
		5, "receiver.tls.PeerCertificate", "is of no use"},
	    {IN_DEST("tls = { " FILES "PeerCertificate = \"\"; };"), 11,
		"destinations[0].tls.PeerCertificate", ""},
	    {IN_DEST("tls = { " FILES "PeerCertificate = \"sha256:12\"; };"),
		11, "destinations[0].tls.PeerCertificate",
		"is no fingerprint; write sha256:"},
	    {IN_ROUTE("PeerCertificate = \"\";"), 8,
		"routes[0].PeerCertificate", "is empty"},
	    {IN_ROUTE("Certificate = \"/c\";"), 8, "routes[0].Certificate",
		"write it in tls"},
	    {IN_ROUTE("Peer = \"10.1.0.0/8\";"), 8, "routes[0].Peer",
		"has bits behind its prefix"},
	    {IN_ROUTE("Peer = \"10.1.0.0/33\";"), 8, "routes[0].Peer",
		"is no network"},
	    {IN(CONF_RECEIVER, "Peer = \"localhost\";"), 5, "receiver.Peer",
		"is no network"},
	    {IN(CONF_RECEIVER, "Peer = \" \";"), 5, "receiver.Peer",
		"is empty"},
	};

	CHECK_ALL(bad);
}

/* Each number at its limits and beyond them. */
static void
test_ranges(void)
{
	const struct conf_key *table;
	char setting[128], key[64];
	struct conf *conf;
	size_t i, n, slot;

	table = conf_table(&n);
	for (i = 0; i < n; i++) {
		const int64_t wrong[] = {table[i].min - 1, table[i].max + 1};
		const int64_t right[] = {table[i].min, table[i].max};
		size_t k;

		if (table[i].type != CONF_INT && table[i].type != CONF_INT64)
			continue;
		for (slot = 0;
		     strcmp(conf_text_slots[slot], table[i].group) != 0;)
			slot++;
		(void)snprintf(key, sizeof(key), "%s%s", slot_prefixes[slot],
		    table[i].name);
		for (k = 0; k < 2; k++) {
			const struct bad bad = {IN(table[i].group, setting),
			    slot_lines[slot], key,
			    "is out of range; write a whole number from "};

			(void)snprintf(setting, sizeof(setting),
			    "%s = %" PRId64 "L;", table[i].name, wrong[k]);
			check_bad(&bad);
			(void)snprintf(setting, sizeof(setting),
			    "%s = %" PRId64 "L;%s", table[i].name, right[k],
			    strcmp(table[i].name, "RetryMin") == 0
				? "RetryMax = 86400;"
				: "");
			conf = conf_text_load_good(table[i].group, setting);
			conf_free(conf);
		}
	}
}

static const struct test_case cases[] = {
    {"an unknown key is refused", test_unknown},
    {"a missing key is refused", test_missing},
    {"a wrong type is refused", test_types},
    {"a wrong value is refused", test_values},
    {"a wrong AE title or UID is refused", test_ae_titles},
    {"a wrong reference is refused", test_references},
    {"wrong TLS settings and networks are refused", test_tls_errors},
    {"a wrong StatusClass is refused", test_status_class_errors},
    {"what libconfig cannot take is refused", test_text_errors},
    {"a NUL byte is refused", test_nul},
    {"a file that cannot be read is refused", test_unreadable},
    {"numbers keep to their ranges", test_ranges}, {0}};
TEST_SUITE(conf_errors, cases)
