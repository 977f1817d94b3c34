/*
 * dcmspool-receiver -n: would a start succeed?
 *
 * Errors: none; they are what is printed.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "../spool/certificate.h"
#include "../spool/fs.h"
#include "../spool/preflight.h"
#include "../spool/tls_dcmtk.h"
#include "listen.h"
#include "trial.h"

#define PRIVILEGED_PORTS 1024

static void tell_port(struct preflight *preflight, const struct err *err);
static void check_certificate(struct preflight *preflight);

int
trial_run(const struct conf *conf, const char *program)
{
	struct preflight preflight = {.program = program, .conf = conf};
	const char *where = conf->receiver.local_interface;
	struct listeners listeners;
	struct err err = {.class = ERR_NONE};
	bool listens;

	/* As a start does it: port and keys may take root. */
	listens =
	    listen_open(where, conf->receiver.port, &listeners, &err) == 0;
	if (listens)
		listen_close(&listeners);
	check_certificate(&preflight);
	preflight_routes(&preflight);
	preflight_spool(&preflight, SPOOL_RECEIVER);
	if (!listens && (err.sys != EADDRINUSE || !preflight.runs))
		tell_port(&preflight, &err);
	if (preflight.exit_code == 0)
		(void)printf("%s: %s is good: it would listen on port %d of "
			     "%s%s\n",
		    program, conf->path, conf->receiver.port,
		    where[0] == '\0' ? "all addresses" : where,
		    conf->receiver.tls.on ? ", with TLS" : "");
	return preflight.exit_code;
}

static void
tell_port(struct preflight *p, const struct err *cause)
{
	const struct conf_receiver *receiver = &p->conf->receiver;
	struct err err = *cause;
	char user[FS_USER_SIZE];

	fs_user_name(geteuid(), user);
	switch (cause->sys) {
	case EADDRINUSE:
		(void)err_set(&err, ERR_TEMPORARY,
		    "port %d is in use by another program", receiver->port);
		preflight_problem(p, &err,
		    "\"ss -ltnp sport = :%d\" shows which; stop that, or write "
		    "another receiver.IPPort in %s",
		    receiver->port, p->conf->path);
		break;
	case EACCES:
		(void)err_set(&err, ERR_PERMANENT,
		    "user %s may not listen on port %d, which is below %d",
		    user, receiver->port, PRIVILEGED_PORTS);
		preflight_problem(p, &err,
		    "give the unit AmbientCapabilities=CAP_NET_BIND_SERVICE "
		    "(as the drop-in port-104.conf does), start it as root "
		    "with a User, or write another receiver.IPPort in %s",
		    p->conf->path);
		break;
	case EADDRNOTAVAIL:
		(void)err_set(&err, ERR_CONFIG,
		    "receiver.LocalInterface %s is no address of this machine",
		    receiver->local_interface);
		preflight_problem(p, &err,
		    "\"ip -brief address\" lists them; write one, or \"\" for "
		    "all, in %s",
		    p->conf->path);
		break;
	default:
		preflight_problem(p, &err,
		    "look at receiver.LocalInterface and receiver.IPPort in %s",
		    p->conf->path);
		break;
	}
}

static void
check_certificate(struct preflight *p)
{
	const struct conf_tls *conf = &p->conf->receiver.tls;
	struct err err = {.class = ERR_NONE};
	struct tls *tls;

	if (tls_create(conf, TLS_ACCEPTOR, "receiver.tls", &tls, &err) == -1) {
		preflight_problem(p, &err, "%s", "");
		return;
	}
	if (tls != NULL)
		preflight_tls(p, "receiver.tls", conf, tls_end(tls));
	tls_free(tls);
}
