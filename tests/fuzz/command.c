/*
 * Command sets, from any peer.
 *
 * Errors: what does not hold aborts.
 */
#include <string.h>

#include "../../spool/command.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t once[COMMAND_OUT_SIZE], twice[COMMAND_OUT_SIZE];
	size_t once_size, twice_size;
	struct command command;
	struct err err;

	if (size > COMMAND_MAX_SIZE ||
	    command_unpack(data, size, &command, &err) == -1)
		return 0;
	FUZZ_CHECK(strlen(command.sop_class) < NAME_UID_SIZE);
	FUZZ_CHECK(strlen(command.sop_instance) < NAME_UID_SIZE);
	FUZZ_CHECK(command.offending_n <= RESULT_OFFENDING);
	if (command_pack(&command, once, &once_size, &err) == -1)
		return 0; /* longer than what we write */
	FUZZ_CHECK(command_unpack(once, once_size, &command, &err) == 0);
	FUZZ_CHECK(command_pack(&command, twice, &twice_size, &err) == 0);
	FUZZ_CHECK(once_size == twice_size);
	FUZZ_CHECK(memcmp(once, twice, once_size) == 0);
	fuzz_reached();
	return 0;
}
