/*
 * dcmspool status: when certificates of ours end.
 *
 * Errors: ERR_TEMPORARY where there is no memory. One that cannot be read is
 * shown as that.
 */
#include <stdio.h>
#include <stdlib.h>

#include "certificate.h"
#include "cmd_status.h"

#define DAY_S	 86400
#define US_PER_S 1000000

static void take(
    const char *whose, const struct conf_tls *tls, struct status *status);

int
status_take_certificates(
    const struct cmd *cmd, struct status *status, struct err *err)
{
	const struct conf *conf = cmd->conf;
	size_t i;

	status->certificates =
	    calloc(conf->destinations_n + 1, sizeof(*status->certificates));
	if (status->certificates == NULL)
		return err_sys(err, "get memory for the status");
	cmd_user_leave(cmd);
	take("receiver", &conf->receiver.tls, status);
	for (i = 0; i < conf->destinations_n; i++)
		take(conf->destinations[i].name, &conf->destinations[i].tls,
		    status);
	cmd_user_enter(cmd);
	return 0;
}

int64_t
status_days_left(const struct status *status, size_t i)
{
	int64_t left_s =
	    status->certificates[i].end_s - status->now_us / US_PER_S;

	return left_s < 0 ? -1 : left_s / DAY_S;
}

bool
status_certificate_is_near(const struct status *status, size_t i)
{
	return status->certificates[i].end_s != 0 &&
	       status_days_left(status, i) < CERTIFICATE_WARN_DAYS;
}

static void
take(const char *whose, const struct conf_tls *tls, struct status *status)
{
	struct status_certificate *c;

	if (!tls->on)
		return;
	c = &status->certificates[status->certificates_n++];
	(void)snprintf(c->whose, sizeof(c->whose), "%s", whose);
	if (certificate_file_end(tls->certificate, &c->end_s, NULL) == -1)
		c->end_s = 0;
}
