/*
 * Association requests as a peer sends them, from the PDU's header on. What
 * DCMTK gets to see has 128 presentation contexts at most, each within it.
 *
 * Errors: what does not hold aborts.
 */
#include <stdlib.h>
#include <string.h>

#include "../../receiver/precheck.h"
#include "fuzz.h"

#define FIXED 68
#define HEAD  4

static void check_good(const uint8_t *body, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct precheck found = {NULL, false};
	size_t bytes;
	uint8_t *body;

	if (size < PRECHECK_HEADER)
		return 0;
	if (!precheck_header(data, &bytes, &found)) {
		FUZZ_CHECK(found.why != NULL && found.exceeds);
		return 0;
	}
	FUZZ_CHECK(bytes <= PRECHECK_BYTES);
	size -= PRECHECK_HEADER;
	/* Of exactly that size: nothing is read beyond it. */
	body = malloc(size + (size == 0));
	FUZZ_CHECK(body != NULL);
	(void)memcpy(body, data + PRECHECK_HEADER, size);
	if (precheck_body(body, size, &found)) {
		FUZZ_CHECK(found.why == NULL);
		check_good(body, size);
	} else {
		FUZZ_CHECK(found.why != NULL);
	}
	free(body);
	return 0;
}

static void
check_good(const uint8_t *body, size_t size)
{
	bool ids[256] = {false};
	size_t at, length;

	for (at = FIXED; at < size; at += HEAD + length) {
		FUZZ_CHECK(size - at >= HEAD);
		length = (size_t)body[at + 2] << 8 | body[at + 3];
		FUZZ_CHECK(size - at - HEAD >= length);
		if (body[at] != 0x20)
			continue;
		FUZZ_CHECK(body[at + HEAD] % 2 == 1 && !ids[body[at + HEAD]]);
		ids[body[at + HEAD]] = true;
	}
	FUZZ_CHECK(at == size);
	fuzz_reached();
}
