/*
 * A file that lies in the queue under an item's name: what is taken for a whole
 * instance is one as far as its length tells, and equals itself.
 *
 * Errors: what does not hold aborts.
 */
#include <stdio.h>
#include <string.h>

#include "../../spool/item.h"
#include "../../spool/path.h"
#include "fuzz.h"

#define ITEM "20260101T000000.000001Z-m7-1.2.3.dcm"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char association[PATH_ASSOCIATION_SIZE], path[PATH_SIZE], full[256];
	static struct conf *conf;
	static struct spool spool;
	struct item_reader reader, again;
	struct err err = {.class = ERR_NONE};

	if (conf == NULL)
		fuzz_world(1, &conf, &spool);
	path_item(path, "pacs", QUEUE_NEW, ITEM);
	(void)snprintf(
	    full, sizeof(full), "%s/%s", conf->storage_location, path);
	fuzz_write(full, data, size);
	if (item_peek_association(&spool, path, association))
		FUZZ_CHECK(path_association_valid(association));
	if (item_reader_open(&spool, path, &reader, &err) == -1) {
		FUZZ_CHECK(err.class == ERR_CORRUPT);
		return 0;
	}
	FUZZ_CHECK(reader.data_set_bytes > 0);
	FUZZ_CHECK(
	    reader.part10.data_set_offset + reader.data_set_bytes == size);
	FUZZ_CHECK(name_uid_valid(reader.part10.sop_instance));
	FUZZ_CHECK(item_reader_open(&spool, path, &again, &err) == 0);
	FUZZ_CHECK(item_reader_equal(&reader, &again, &err) == 1);
	item_reader_close(&again);
	item_reader_close(&reader);
	fuzz_reached();
	return 0;
}
