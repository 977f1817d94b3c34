/*
 * What a destination that does not take us means: every trouble has words,
 * something to do, and an exit code.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "../sender/advice.h"
#include "test.h"

static char host[] = "pacs.example.org", file[] = "/etc/gateway.pem";
static struct conf_destination destinations[2] = {
    {.remote_host = host, .remote_port = 104},
    {.remote_host = host,
	.remote_port = 2762,
	.lanes = 3,
	.connect_timeout_s = 7,
	.tls = {.certificate = file}},
};
static const struct conf conf = {
    .destinations = destinations, .destinations_n = 2};

static struct advice
ask(const struct requestor_detail *detail, int sys, const char *text)
{
	struct err err = {.class = ERR_TEMPORARY, .sys = sys};
	struct advice advice;

	(void)strcpy(err.text, text);
	advice_give(
	    &conf, &destinations[1], "WE", "THEY", detail, &err, &advice);
	return advice;
}

static void
tells_what_to_do(void)
{
	static const struct {
		const char *what;
		struct requestor_detail detail;
		int sys;
		const char *text;
		int code;
		const char *words, *to_do; /* parts of it */
	} rows[] = {
	    {"name", {.trouble = REQUESTOR_NO_NAME}, 0, "resolve", EX_NOHOST,
		"pacs.example.org does not resolve",
		"destinations[1].RemoteHost"},
	    {"refused", {.trouble = REQUESTOR_NO_CONNECTION}, ECONNREFUSED, "",
		EX_UNAVAILABLE, "nothing listens on pacs.example.org port 2762",
		"RemotePort in destinations[1]"},
	    {"timeout", {.trouble = REQUESTOR_NO_CONNECTION}, ETIMEDOUT, "",
		EX_UNAVAILABLE, "within 7 s", "firewall"},
	    {"no way", {.trouble = REQUESTOR_NO_CONNECTION}, EHOSTUNREACH, "",
		EX_UNAVAILABLE, "there is no way to", "RemoteHost"},
	    {"connect", {.trouble = REQUESTOR_NO_CONNECTION}, EMFILE,
		"socket: full", EX_UNAVAILABLE, "socket: full", "RemoteHost"},
	    {"not trusted", {.trouble = REQUESTOR_NO_TLS}, 0,
		"associate: TLS: the certificate of X is refused: old",
		EX_NOPERM, "we do not trust it: the certificate of X",
		"destinations[1].tls.TrustedCertificates"},
	    {"not trusting", {.trouble = REQUESTOR_NO_TLS}, 0,
		"associate: TLS: tlsv1 alert unknown ca", EX_NOPERM,
		"it does not trust us: tlsv1", "/etc/gateway.pem"},
	    {"no TLS", {.trouble = REQUESTOR_NO_TLS}, 0,
		"associate: TLS: wrong version number", EX_PROTOCOL,
		"does not speak TLS with us: wrong version", "RemotePort"},
	    {"other peer", {.trouble = REQUESTOR_OTHER_PEER}, 0,
		"TLS: PeerCertificate does not mean X", EX_NOPERM,
		"not whom we mean: PeerCertificate",
		"destinations[1].tls.PeerCertificate"},
	    {"hung up", {.trouble = REQUESTOR_HUNG_UP}, 0, "x", EX_PROTOCOL,
		"hung up", "destinations[1].tls"},
	    {"silence", {.trouble = REQUESTOR_SILENCE}, 0, "x", EX_UNAVAILABLE,
		"no answer in time", "RemotePort"},
	    {"abort", {.trouble = REQUESTOR_ABORT}, 0, "x", EX_PROTOCOL,
		"aborted", "its log"},
	    {"nonsense", {.trouble = REQUESTOR_NONSENSE}, 0, "x", EX_PROTOCOL,
		"no DICOM", "RemotePort"},
	    {"calling", {REQUESTOR_REJECTION, 1, 1, 3}, 0, "x", EX_NOPERM,
		"does not know our AE title WE", "destinations[1].LocalAET"},
	    {"calling, for now", {REQUESTOR_REJECTION, 2, 1, 3}, 0, "x",
		EX_TEMPFAIL, "AE title WE", "destinations[1].LocalAET"},
	    {"called", {REQUESTOR_REJECTION, 1, 1, 7}, 0, "x", EX_NOPERM,
		"does not answer to the AE title THEY",
		"destinations[1].RemoteAET"},
	    {"congestion", {REQUESTOR_REJECTION, 2, 3, 1}, 0, "x", EX_TEMPFAIL,
		"too much to do", "destinations[1].Lanes (now 3)"},
	    {"limit", {REQUESTOR_REJECTION, 2, 3, 2}, 0, "x", EX_TEMPFAIL,
		"(rejected, 2/3/2)", "Lanes"},
	    {"other", {REQUESTOR_REJECTION, 1, 2, 2}, 0, "rejected (1/2/2)",
		EX_NOPERM, "rejected (1/2/2)", "its log"},
	    {"nothing accepted", {.trouble = REQUESTOR_NOTHING_ACCEPTED}, 0,
		"x", ADVICE_NOT_SO, "none of what we propose",
		"transfer syntaxes"},
	    {"ours", {.trouble = REQUESTOR_OURS}, 0, "no memory", EX_TEMPFAIL,
		"no memory", "this machine"},
	};
	struct advice advice;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		advice = ask(&rows[i].detail, rows[i].sys, rows[i].text);
		TEST_ROW(advice.exit_code == rows[i].code, rows[i].what);
		TEST_ROW(
		    strstr(advice.words, rows[i].words) != NULL, rows[i].what);
		TEST_ROW(
		    strstr(advice.to_do, rows[i].to_do) != NULL, rows[i].what);
	}
}

/* Only a destination without TLS may be told that it takes TLS. */
static void
speaks_of_tls(void)
{
	const struct requestor_detail detail = {.trouble = REQUESTOR_HUNG_UP};
	struct advice advice;

	destinations[1].tls.on = true;
	advice = ask(&detail, 0, "x");
	CU_ASSERT(strstr(advice.to_do, "for TLS") != NULL);
	destinations[1].tls.on = false;
	advice = ask(&detail, 0, "x");
	CU_ASSERT(strstr(advice.to_do, "wants TLS") != NULL);
}

static void
names_results_of_contexts(void)
{
	CU_ASSERT_STRING_EQUAL(
	    advice_context(3), "it does not take this SOP class");
	CU_ASSERT(strstr(advice_context(4), "transfer syntax") != NULL);
	CU_ASSERT(strlen(advice_context(1)) > 0);
	CU_ASSERT(strlen(advice_context(2)) > 0);
}

static const struct test_case cases[] = {
    {"what happened, what to do, and the exit code", tells_what_to_do},
    {"TLS where it is, and where it may be wanted", speaks_of_tls},
    {"why a context was refused", names_results_of_contexts}, {0}};

TEST_SUITE(advice, cases)
