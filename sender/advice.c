/*
 * What a destination that does not take us means, in plain words.
 *
 * Errors: none. What has no words of its own is said in those of *err.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "advice.h"

#define PLACE_SIZE 40

struct question {
	const struct conf *conf;
	const struct conf_destination *dest;
	const char *calling, *called;
	const char *reason;	/* in the words of what failed */
	char place[PLACE_SIZE]; /* "destinations[0]" */
	struct advice *advice;
};

static void no_connection(const struct question *q, const struct err *err);
static void no_tls(const struct question *q);
static void no_answer(const struct question *q, const char *words);
static void rejection(
    const struct question *q, const struct requestor_detail *detail);
static const char *reason_of(const struct err *err);
static void words(const struct question *q, int exit_code, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
static void to_do(const struct question *q, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void
advice_give(const struct conf *conf, const struct conf_destination *dest,
    const char *calling, const char *called,
    const struct requestor_detail *detail, const struct err *err,
    struct advice *advice)
{
	struct question q = {.conf = conf,
	    .dest = dest,
	    .calling = calling,
	    .called = called,
	    .reason = reason_of(err),
	    .advice = advice};

	(void)snprintf(q.place, sizeof(q.place), "destinations[%td]",
	    dest - conf->destinations);
	*advice = (struct advice){.exit_code = err_exit_code(err)};
	switch (detail->trouble) {
	case REQUESTOR_NO_TROUBLE:
	case REQUESTOR_OURS:
		words(&q, err_exit_code(err), "it was not asked: %s", q.reason);
		to_do(&q, "see what the message says of this machine");
		break;
	case REQUESTOR_NO_NAME:
		words(&q, EX_NOHOST, "the name %s does not resolve",
		    dest->remote_host);
		to_do(&q,
		    "write the right name, or an address, in %s.RemoteHost; "
		    "\"getent hosts %s\" asks the same resolver",
		    q.place, dest->remote_host);
		break;
	case REQUESTOR_NO_CONNECTION:
		no_connection(&q, err);
		break;
	case REQUESTOR_NO_TLS:
		no_tls(&q);
		break;
	case REQUESTOR_OTHER_PEER:
		words(&q, EX_NOPERM, "it is not whom we mean: %s", q.reason);
		to_do(&q,
		    "if it is the right one, write that name or fingerprint "
		    "in %s.tls.PeerCertificate",
		    q.place);
		break;
	case REQUESTOR_HUNG_UP:
		no_answer(&q, "it hung up without an answer");
		break;
	case REQUESTOR_SILENCE:
		no_answer(&q, "it took the connection, and gave no answer in "
			      "time");
		advice->exit_code = EX_UNAVAILABLE;
		break;
	case REQUESTOR_ABORT:
		no_answer(&q, "it aborted the association");
		break;
	case REQUESTOR_NONSENSE:
		no_answer(&q, "what it answers is no DICOM");
		break;
	case REQUESTOR_REJECTION:
		rejection(&q, detail);
		break;
	case REQUESTOR_NOTHING_ACCEPTED:
		words(&q, ADVICE_NOT_SO,
		    "it takes the association, and none of "
		    "what we propose");
		to_do(&q,
		    "have it take these SOP classes in these transfer syntaxes "
		    "(data sets are sent as they came, and never re-encoded)");
		break;
	}
}

const char *
advice_context(unsigned result)
{
	switch (result) {
	case 1:
		return "refused by its user";
	case 3:
		return "it does not take this SOP class";
	case 4:
		return "it takes the SOP class, but not in this transfer "
		       "syntax";
	default:
		return "refused without a reason";
	}
}

static void
no_connection(const struct question *q, const struct err *err)
{
	const struct conf_destination *dest = q->dest;

	switch (err->sys) {
	case ECONNREFUSED:
		words(q, EX_UNAVAILABLE,
		    "nothing listens on %s port %d (connection refused)",
		    dest->remote_host, dest->remote_port);
		to_do(q,
		    "start the DICOM service there, or write the right "
		    "RemoteHost and RemotePort in %s",
		    q->place);
		break;
	case ETIMEDOUT:
		words(q, EX_UNAVAILABLE,
		    "%s port %d does not answer within %d s (ConnectTimeout)",
		    dest->remote_host, dest->remote_port,
		    dest->connect_timeout_s);
		to_do(q,
		    "see whether that machine is on, whether RemoteHost and "
		    "RemotePort in %s are right, and whether a firewall lets "
		    "us through to that port",
		    q->place);
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
		words(q, EX_UNAVAILABLE, "there is no way to %s (%s)",
		    dest->remote_host, strerror(err->sys));
		to_do(q,
		    "see to the network of this machine, or write the right "
		    "address in %s.RemoteHost",
		    q->place);
		break;
	default:
		words(q, EX_UNAVAILABLE, "no connection: %s", q->reason);
		to_do(q, "look at RemoteHost and RemotePort in %s", q->place);
		break;
	}
}

/* The words are those of tls_session_dcmtk.cc and of OpenSSL. */
static void
no_tls(const struct question *q)
{
	if (strstr(q->reason, "is refused: ") != NULL) {
		words(q, EX_NOPERM, "we do not trust it: %s", q->reason);
		to_do(q,
		    "see that %s.tls.TrustedCertificates has the authority "
		    "that issued its certificate; one that is over has to be "
		    "renewed there",
		    q->place);
	} else if (strstr(q->reason, "alert") != NULL) {
		words(q, EX_NOPERM, "it does not trust us: %s", q->reason);
		to_do(q,
		    "have it trust the authority that issued %s, which is "
		    "%s.tls.Certificate; its log says more",
		    q->dest->tls.certificate, q->place);
	} else {
		words(q, EX_PROTOCOL, "it does not speak TLS with us: %s",
		    q->reason);
		to_do(q,
		    "see whether %s.RemotePort is its port for TLS; if it "
		    "has none, take %s.tls away",
		    q->place, q->place);
	}
}

static void
no_answer(const struct question *q, const char *what)
{
	words(q, EX_PROTOCOL, "%s (%s)", what, q->reason);
	if (q->dest->tls.on)
		to_do(q,
		    "see whether %s.RemotePort is its DICOM port for TLS; its "
		    "log may say why",
		    q->place);
	else
		to_do(q,
		    "see whether %s.RemotePort is its DICOM port, whether that "
		    "wants TLS (which takes %s.tls), and whether it knows this "
		    "machine's address; its log may say why",
		    q->place, q->place);
}

static void
rejection(const struct question *q, const struct requestor_detail *detail)
{
	unsigned both = detail->source * 10 + detail->reason;
	int code = detail->result == 2 ? EX_TEMPFAIL : EX_NOPERM;
	char numbers[24];

	(void)snprintf(numbers, sizeof(numbers), "%u/%u/%u", detail->result,
	    detail->source, detail->reason);
	switch (both) {
	case 13:
		words(q, code,
		    "it does not know our AE title %s (rejected, %s)",
		    q->calling, numbers);
		to_do(q,
		    "have %s, with this machine's address, entered there among "
		    "those that may connect, or write the title that is in "
		    "%s.LocalAET",
		    q->calling, q->place);
		break;
	case 17:
		words(q, code,
		    "it does not answer to the AE title %s (rejected, %s)",
		    q->called, numbers);
		to_do(q,
		    "ask for its AE title, and write it in %s.RemoteAET; case "
		    "counts",
		    q->place);
		break;
	case 31:
	case 32:
		words(q, code, "it has too much to do just now (rejected, %s)",
		    numbers);
		to_do(q,
		    "try again later; if it stays so, write a smaller %s.Lanes "
		    "(now %d), or have it take more associations",
		    q->place, q->dest->lanes);
		break;
	default:
		words(q, code, "%s", q->reason);
		to_do(q,
		    "look into its log: often it does not know the AE title "
		    "%s, or this machine's address",
		    q->calling);
		break;
	}
}

/* Without the words for what was being done. */
static const char *
reason_of(const struct err *err)
{
	static const char *const doing[] = {"associate: ", "TLS: "};
	const char *text = err->text;
	size_t i;

	for (i = 0; i < sizeof(doing) / sizeof(doing[0]); i++)
		if (strncmp(text, doing[i], strlen(doing[i])) == 0)
			text += strlen(doing[i]);
	return text;
}

static void
words(const struct question *q, int exit_code, const char *format, ...)
{
	va_list args;

	q->advice->exit_code = exit_code;
	va_start(args, format);
	(void)vsnprintf(
	    q->advice->words, sizeof(q->advice->words), format, args);
	va_end(args);
}

static void
to_do(const struct question *q, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(
	    q->advice->to_do, sizeof(q->advice->to_do), format, args);
	va_end(args);
}
