/*
 * Networks, certificates' names and AE titles: a line of the configuration, a
 * newline, and what a peer shows.
 *
 * Errors: what does not hold aborts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../spool/conf_list.h"
#include "../../spool/peer.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *entry = fuzz_string(data, size), *shown;
	struct conf_patterns one = {.pattern = &entry, .n = 1};
	struct peer_certificate certificate = {.names_n = 1};

	shown = strchr(entry, '\n');
	if (shown != NULL)
		*shown++ = '\0';
	else
		shown = entry + strlen(entry);
	(void)snprintf(certificate.names[0], PEER_NAME_SIZE, "%s", shown);
	(void)snprintf(
	    certificate.fingerprint, PEER_FINGERPRINT_SIZE, "%s", shown);
	(void)conf_aet_problem(entry, false);
	if (conf_aet_problem(shown, false) == NULL)
		FUZZ_CHECK(strlen(shown) <= 16);
	if (peer_network_problem(entry) == NULL) {
		if (peer_address_matches(&one, shown))
			fuzz_reached();
		if (strchr(entry, '/') == NULL)
			FUZZ_CHECK(peer_address_matches(&one, entry) ||
				   strcmp(entry, "*") == 0);
	}
	if (peer_same_host(entry, shown))
		FUZZ_CHECK(peer_same_host(shown, entry));
	if (peer_certificate_problem(entry) == NULL &&
	    peer_certificate_matches(&one, NULL))
		FUZZ_CHECK(strcmp(entry, "*") == 0);
	(void)peer_certificate_matches(&one, &certificate);
	free(entry);
	return 0;
}
