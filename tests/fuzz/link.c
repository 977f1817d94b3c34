/*
 * queue/<destination>/down, which the receiver reads.
 *
 * Errors: what does not hold aborts.
 */
#include <stdio.h>
#include <string.h>

#include "../../spool/link.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf *conf;
	static struct spool spool;
	static char path[256];
	struct link_down down, again;
	struct err err;

	if (conf == NULL) {
		fuzz_world(1, &conf, &spool);
		(void)snprintf(path, sizeof(path), "%s/queue/pacs/down",
		    conf->storage_location);
	}
	fuzz_write(path, data, size);
	if (link_read_down(spool.root_fd, "pacs", &down, &err) != 1)
		return 0;
	(void)link_down_since_mono_ms(&down);
	FUZZ_CHECK(link_write_down(spool.root_fd, "pacs", &down, &err) == 0);
	FUZZ_CHECK(link_read_down(spool.root_fd, "pacs", &again, &err) == 1);
	FUZZ_CHECK(down.since_us == again.since_us);
	FUZZ_CHECK(down.since_mono_ms == again.since_mono_ms);
	FUZZ_CHECK(down.probes == again.probes);
	FUZZ_CHECK(down.next_probe_us == again.next_probe_us);
	FUZZ_CHECK(strcmp(down.boot_id, again.boot_id) == 0);
	FUZZ_CHECK(strcmp(down.reason, again.reason) == 0);
	fuzz_reached();
	return 0;
}
