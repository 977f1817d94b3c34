/*
 * The TLS settings of all destinations.
 *
 * Errors: as tls_dcmtk.h; ERR_TEMPORARY where there is no memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../spool/certificate.h"
#include "../spool/clock.h"
#include "identities.h"

#define CHECK_MS   ((int64_t)86400 * 1000)
#define PLACE_SIZE 40

struct identities {
	size_t n;
	struct tls *tls[]; /* as conf->destinations */
};

int
identities_load(
    const struct conf *conf, struct identities **result, struct err *err)
{
	struct identities *identities;
	char place[PLACE_SIZE];
	size_t i;

	*result = NULL;
	identities =
	    calloc(1, sizeof(*identities) +
			  conf->destinations_n * sizeof(identities->tls[0]));
	if (identities == NULL)
		return err_sys(err, "get memory for certificates");
	for (i = 0; i < conf->destinations_n; i++) {
		(void)snprintf(
		    place, sizeof(place), "destinations[%zu].tls", i);
		if (tls_create(&conf->destinations[i].tls, TLS_REQUESTOR, place,
			&identities->tls[i], err) == -1) {
			identities_free(identities);
			return -1;
		}
		identities->n++;
	}
	*result = identities;
	return 0;
}

void
identities_free(struct identities *identities)
{
	if (identities == NULL)
		return;
	while (identities->n > 0)
		tls_free(identities->tls[--identities->n]);
	free(identities);
}

struct tls *
identities_find(const struct identities *identities, const struct conf *conf,
    const struct conf_destination *destination)
{
	return identities->tls[destination - conf->destinations];
}

struct tls *
identities_take(struct identities *identities, const struct conf *conf,
    const struct conf_destination *destination)
{
	size_t kept = destination == NULL
			  ? SIZE_MAX
			  : (size_t)(destination - conf->destinations);
	size_t i;

	for (i = 0; i < identities->n; i++)
		if (i != kept) {
			tls_free(identities->tls[i]);
			identities->tls[i] = NULL;
		}
	return kept == SIZE_MAX ? NULL : identities->tls[kept];
}

int64_t
identities_warn(const struct identities *identities, const struct conf *conf)
{
	const struct conf_destination *destination;
	int64_t due_ms = INT64_MAX;
	size_t i;

	for (i = 0; i < identities->n; i++) {
		if (identities->tls[i] == NULL)
			continue;
		destination = &conf->destinations[i];
		certificate_warn(destination->name,
		    destination->tls.certificate, tls_end(identities->tls[i]));
		due_ms = clock_mono_ms() + CHECK_MS;
	}
	return due_ms;
}
