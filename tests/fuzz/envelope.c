/*
 * The envelope of an item, and the records that it is one of. What can be read
 * can be written, and is then the same.
 *
 * Errors: what does not hold aborts.
 */
#include <string.h>

#include "../../spool/envelope.h"
#include "../../spool/record.h"
#include "fuzz.h"

static void
walk(const char *text, size_t size)
{
	struct record_line line;
	size_t cursor = 0, before;
	unsigned hex;
	int64_t number;
	char value[64];

	if (record_open(text, size, ENVELOPE_MAGIC, &cursor) != 1)
		return;
	FUZZ_CHECK(cursor <= size);
	for (before = cursor; record_next(text, size, &cursor, &line) == 1;
	     before = cursor) {
		FUZZ_CHECK(cursor > before && cursor <= size);
		FUZZ_CHECK(line.name >= text && line.value >= text);
		FUZZ_CHECK(line.value + line.value_size <= text + size);
		if (record_value(&line, value, sizeof(value)) == 0)
			FUZZ_CHECK(strlen(value) < sizeof(value));
		if (record_value_int(&line, -5, 5, &number) == 0)
			FUZZ_CHECK(number >= -5 && number <= 5);
		if (record_value_hex(&line, &hex) == 0)
			FUZZ_CHECK(hex <= 0xFFFF);
		(void)record_value_time(&line, &number);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char once[ENVELOPE_SIZE], twice[ENVELOPE_SIZE];
	struct envelope envelope;
	struct err err;

	walk((const char *)data, size);
	if (envelope_unpack(data, size, &envelope, &err) != 1)
		return 0;
	FUZZ_CHECK(envelope_pack(&envelope, once, &err) == 0);
	FUZZ_CHECK(envelope_unpack(once, sizeof(once), &envelope, &err) == 1);
	FUZZ_CHECK(envelope_pack(&envelope, twice, &err) == 0);
	FUZZ_CHECK(memcmp(once, twice, sizeof(once)) == 0);
	fuzz_reached();
	return 0;
}
