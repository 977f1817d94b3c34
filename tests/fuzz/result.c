/*
 * Result markers and records.
 *
 * Errors: what does not hold aborts.
 */
#include <string.h>

#include "../../spool/result.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char once[RESULT_SIZE], twice[RESULT_SIZE];
	size_t once_size, twice_size;
	struct result result;
	struct err err;

	if (result_unpack((const char *)data, size, &result, &err) == -1)
		return 0;
	FUZZ_CHECK(result.status >= RESULT_NO_STATUS);
	FUZZ_CHECK(result.status <= 0xFFFF);
	FUZZ_CHECK(result.offending_n <= RESULT_OFFENDING);
	if (result_pack(&result, once, &once_size, &err) == -1)
		return 0; /* with its escapes longer than we write */
	FUZZ_CHECK(result_unpack(once, once_size, &result, &err) == 0);
	FUZZ_CHECK(result_pack(&result, twice, &twice_size, &err) == 0);
	FUZZ_CHECK(once_size == twice_size);
	FUZZ_CHECK(memcmp(once, twice, once_size) == 0);
	fuzz_reached();
	return 0;
}
