/*
 * What a configuration needs before it is served.
 *
 * Errors: ERR_CONFIG for keys and certificates, and for more destinations than
 * there is room for; what fs.c says.
 */
#include "../spool/counters.h"
#include "../spool/ledger.h"
#include "links.h"
#include "meter.h"
#include "prepare.h"

int
prepare_keys(const struct conf *conf, struct tls **tls, struct err *err)
{
	return tls_create(
	    &conf->receiver.tls, TLS_ACCEPTOR, "receiver.tls", tls, err);
}

int
prepare_spool(const struct conf *conf, const struct spool *spool,
    struct shared *shared, struct err *err)
{
	size_t i;

	for (i = 0; i < conf->destinations_n; i++)
		if (spool_make_destination(
			spool, conf->destinations[i].name, err) == -1 ||
		    spool_sync_destination(
			spool, conf->destinations[i].name, err) == -1)
			return -1;
	if (shared->counters == NULL)
		shared->counters = counters_open(spool, err);
	if (shared->counters == NULL)
		return -1;
	if (shared->ledger == NULL)
		shared->ledger = ledger_open(conf->ledger, err);
	if (shared->ledger == NULL ||
	    ledger_move(shared->ledger, conf->ledger, err) == -1)
		return -1;
	for (i = 0; i < conf->destinations_n; i++)
		(void)counters_add(
		    shared->counters, conf->destinations[i].name);
	if (links_prepare(shared, conf, err) == -1)
		return -1;
	return meter_prepare(shared, conf, err);
}
