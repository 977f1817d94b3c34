/*
 * dcmspool-sender -n: would a start succeed?
 *
 * Errors: none; they are what is printed.
 */
#include <stdio.h>

#include "../spool/preflight.h"
#include "../spool/tls_dcmtk.h"
#include "trial.h"

#define PLACE_SIZE 48

static void check_certificate(struct preflight *preflight, size_t i);

int
trial_run(const struct conf *conf, const char *program)
{
	struct preflight preflight = {.program = program, .conf = conf};
	size_t i;

	for (i = 0; i < conf->destinations_n; i++)
		check_certificate(&preflight, i);
	preflight_routes(&preflight);
	preflight_spool(&preflight, SPOOL_SENDER);
	if (preflight.exit_code != 0)
		return preflight.exit_code;
	(void)printf("%s: %s is good; whether a destination takes us:\n",
	    program, conf->path);
	for (i = 0; i < conf->destinations_n; i++)
		(void)printf("  %s -c %s --echo %s\n", program, conf->path,
		    conf->destinations[i].name);
	return 0;
}

static void
check_certificate(struct preflight *p, size_t i)
{
	const struct conf_tls *conf = &p->conf->destinations[i].tls;
	struct err err = {.class = ERR_NONE};
	char place[PLACE_SIZE];
	struct tls *tls;

	(void)snprintf(place, sizeof(place), "destinations[%zu].tls", i);
	if (tls_create(conf, TLS_REQUESTOR, place, &tls, &err) == -1) {
		preflight_problem(p, &err, "%s", "");
		return;
	}
	if (tls != NULL)
		preflight_tls(p, place, conf, tls_end(tls));
	tls_free(tls);
}
