/*
 * The Study Instance UID of a data set. The first byte says which transfer
 * syntax it is said to have.
 *
 * Errors: what does not hold aborts.
 */
#include <stdlib.h>
#include <string.h>

#include "../../spool/cmd_filter.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const syntaxes[] = {"1.2.840.10008.1.2",
	    "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2",
	    "1.2.840.10008.1.2.1.99"};
	char study[NAME_UID_SIZE];
	uint8_t *own;

	if (size == 0)
		return 0;
	/* Of its size exactly: the sanitizer sees what is read beyond. */
	own = malloc(size);
	FUZZ_CHECK(own != NULL);
	memcpy(own, data + 1, size - 1);
	if (cmd_study_find(own, size - 1, syntaxes[data[0] % 4], study) == 1) {
		FUZZ_CHECK(data[0] % 4 < 2);
		FUZZ_CHECK(name_uid_valid(study));
		FUZZ_CHECK(memmem(own, size - 1, study, strlen(study)) != NULL);
		fuzz_reached();
	}
	free(own);
	return 0;
}
