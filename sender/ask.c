/*
 * dcmspool-sender --echo: would a destination take us?
 *
 * Errors: ERR_USAGE for a destination that is not there; what else keeps us
 * from asking, as identities.c and assoc_dcmtk.cc. What the destination does is
 * no error, but the answer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "../spool/clock.h"
#include "../spool/user.h"
#include "advice.h"
#include "ask.h"
#include "connection.h"
#include "identities.h"

#define MESSAGE_ID 1
#define NAMES_SIZE 400
#define US_PER_MS  1000.0

static const struct conf_destination *find(
    const struct conf *conf, const char *name, struct err *err);
static int ask(const struct conf *conf, struct connection *c, struct err *err);
static void introduce(const struct connection *c);
static int tell_trouble(const struct conf *conf, const struct connection *c,
    const struct requestor_detail *detail, const struct err *err);
static int tell_contexts(const struct connection *c);
static void print_safe(const char *label, const char *text);

int
ask_destination(const struct conf *conf, const char *name, struct err *err)
{
	struct connection connection = {
	    .conf = find(conf, name, err), .lane_fd = -1};
	struct identities *identities = NULL;
	struct spool spool = {.root_fd = -1};
	struct user user;
	struct err spool_err;
	int code = -1;

	if (connection.conf == NULL ||
	    identities_load(conf, &identities, err) == -1)
		return -1;
	/* No byte of the network's is read by root. */
	if (user_find(conf->user, &user, err) == -1 ||
	    user_become(&user, err) == -1 || user_settle(&user, err) == -1) {
		identities_free(identities);
		return -1;
	}
	if (spool_open(conf->storage_location, false, &spool, &spool_err) == -1)
		(void)printf("The spool cannot be read, so only verification "
			     "is proposed: %s\n",
		    spool_err.text);
	connection.spool = &spool;
	connection.tls = identities_find(identities, conf, connection.conf);
	if (assoc_init(err) == 0)
		code = ask(conf, &connection, err);
	connection_release(&connection);
	if (spool.root_fd != -1)
		spool_close(&spool);
	identities_free(identities);
	return code;
}

static const struct conf_destination *
find(const struct conf *conf, const char *name, struct err *err)
{
	const struct conf_destination *dest;
	char names[NAMES_SIZE] = "";
	size_t i, used = 0;

	dest = conf_find_destination(conf, name);
	for (i = 0; dest == NULL && i < conf->destinations_n; i++) {
		used += (size_t)snprintf(names + used, sizeof(names) - used,
		    " %s", conf->destinations[i].name);
		if (used >= sizeof(names))
			break;
	}
	if (dest == NULL)
		(void)err_set(err, ERR_USAGE,
		    "--echo: there is no destination %.64s in %s; there are:%s",
		    name, conf->path, names);
	return dest;
}

static int
ask(const struct conf *conf, struct connection *c, struct err *err)
{
	struct requestor_detail detail = {.trouble = REQUESTOR_OURS};
	int64_t begin_us = clock_mono_us();
	bool echoed = false;

	if (connection_address(c, err) != LANE_OK)
		return -1;
	/* They have been proposed, or will be. */
	connection_offer(c, QUEUE_FAILED);
	connection_offer(c, QUEUE_HOLD);
	introduce(c);
	if (connection_open(c, &detail, err) != LANE_OK)
		return tell_trouble(conf, c, &detail, err);
	if (connection_echo(c, MESSAGE_ID, &echoed, err) != LANE_OK) {
		detail.trouble = REQUESTOR_HUNG_UP;
		return tell_trouble(conf, c, &detail, err);
	}
	(void)printf("%s: it would take us; %s within %.0f ms\n", c->conf->name,
	    echoed ? "it answered C-ECHO"
		   : "it does not take verification, and was not sent C-ECHO,",
	    (double)(clock_mono_us() - begin_us) / US_PER_MS);
	return tell_contexts(c);
}

static void
introduce(const struct connection *c)
{
	const struct conf_destination *dest = c->conf;

	(void)printf("%s: %s port %d, %s; we are %s, and call it %s\n",
	    dest->name, dest->remote_host, dest->remote_port,
	    c->tls == NULL ? "in the clear" : "with TLS", c->calling_aet,
	    c->called_aet);
	(void)fflush(stdout);
}

static int
tell_trouble(const struct conf *conf, const struct connection *c,
    const struct requestor_detail *detail, const struct err *err)
{
	struct advice advice;
	char label[NAME_DEST_SIZE + 32];
	size_t i;

	if (detail->trouble == REQUESTOR_NOTHING_ACCEPTED &&
	    c->contexts.n == 0) {
		(void)printf("%s: it talks to us, but takes no verification; "
			     "nothing is queued that it could be asked about\n",
		    c->conf->name);
		return ADVICE_NOT_SO;
	}
	advice_give(
	    conf, c->conf, c->calling_aet, c->called_aet, detail, err, &advice);
	(void)snprintf(label, sizeof(label), "%s: nothing would be delivered",
	    c->conf->name);
	print_safe(label, advice.words);
	if (detail->trouble == REQUESTOR_NOTHING_ACCEPTED)
		for (i = 0; i < c->contexts.n; i++)
			(void)printf("  refuses %s in %s\n",
			    requestor_name_of_uid(
				c->contexts.pair[i].sop_class),
			    requestor_name_of_uid(
				c->contexts.pair[i].transfer_syntax));
	print_safe("What to do", advice.to_do);
	(void)printf("The configuration is %s\n", conf->path);
	return advice.exit_code;
}

/* Of what is queued; verification has been told. */
static int
tell_contexts(const struct connection *c)
{
	const struct contexts_pair *pair;
	int code = EX_OK;
	unsigned result;
	size_t i;

	if (c->contexts.n == 0)
		(void)printf("Nothing is queued: which SOP classes and "
			     "transfer syntaxes it takes is not known yet\n");
	for (i = 0; i < c->contexts.n; i++) {
		pair = &c->contexts.pair[i];
		result = requestor_context_result(
		    c->assoc, pair->sop_class, pair->transfer_syntax);
		(void)printf("  %s %s in %s%s%s\n",
		    result == 0 ? "takes  " : "refuses",
		    requestor_name_of_uid(pair->sop_class),
		    requestor_name_of_uid(pair->transfer_syntax),
		    result == 0 ? "" : ": ",
		    result == 0 ? "" : advice_context(result));
		if (result != 0)
			code = ADVICE_NOT_SO;
	}
	if (code != EX_OK)
		(void)printf("What to do: have it take what it refuses; data "
			     "sets are sent as they came, and never "
			     "re-encoded\n");
	return code;
}

/* What is said of a peer may hold what it sent. */
static void
print_safe(const char *label, const char *text)
{
	(void)printf("%s: ", label);
	for (; *text != '\0'; text++)
		(void)putchar(*text >= 0x20 && *text < 0x7f ? *text : '?');
	(void)putchar('\n');
}
