/*
 * The configuration: our look at the text, libconfig, and the settings. What
 * is taken is taken again, and is then the same.
 *
 * Errors: what does not hold aborts.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[256];
	struct conf *conf = NULL, *again = NULL;
	struct err err = {.class = ERR_NONE};

	if (path[0] == '\0')
		(void)snprintf(
		    path, sizeof(path), "%s/fuzzed.conf", fuzz_folder());
	fuzz_write(path, data, size);
	if (conf_load(path, &conf, &err) == -1) {
		FUZZ_CHECK(err.class != ERR_NONE && err.text[0] != '\0');
		FUZZ_CHECK(conf == NULL);
		return 0;
	}
	FUZZ_CHECK(conf_load(path, &again, &err) == 0);
	FUZZ_CHECK(conf->destinations_n == again->destinations_n);
	for (size_t i = 0; i < conf->destinations_n; i++)
		FUZZ_CHECK(conf_destination_equal(
		    &conf->destinations[i], &again->destinations[i]));
	conf_free(conf);
	conf_free(again);
	fuzz_reached();
	return 0;
}
