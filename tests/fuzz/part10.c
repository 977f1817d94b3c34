/*
 * The head of a file in the queue: ours, or anybody's.
 *
 * Errors: what does not hold aborts.
 */
#include <string.h>

#include "../../spool/part10.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t once[PART10_SIZE], twice[PART10_SIZE];
	size_t once_size, twice_size;
	struct part10 part10;
	struct err err;

	if (part10_unpack(data, size, &part10, &err) == -1)
		return 0;
	FUZZ_CHECK(part10.data_set_offset <= size);
	FUZZ_CHECK(name_uid_valid(part10.sop_class));
	FUZZ_CHECK(name_uid_valid(part10.sop_instance));
	FUZZ_CHECK(name_uid_valid(part10.transfer_syntax));
	if (!part10.has_envelope)
		return 0;
	FUZZ_CHECK(part10_pack(&part10, once, &once_size, &err) == 0);
	FUZZ_CHECK(once_size <= sizeof(once));
	FUZZ_CHECK(part10_unpack(once, once_size, &part10, &err) == 0);
	FUZZ_CHECK(part10.has_envelope && part10.data_set_offset == once_size);
	FUZZ_CHECK(part10_pack(&part10, twice, &twice_size, &err) == 0);
	FUZZ_CHECK(once_size == twice_size);
	FUZZ_CHECK(memcmp(once, twice, once_size) == 0);
	fuzz_reached();
	return 0;
}
