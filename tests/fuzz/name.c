/*
 * File names in the queue: whoever can write there can give any.
 *
 * Errors: what does not hold aborts.
 */
#include <stdlib.h>
#include <string.h>

#include "../../spool/name.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *file = fuzz_string(data, size);
	char again[NAME_ITEM_SIZE], key[NAME_KEY_SIZE];
	struct item_name name;

	if (name_uid_valid(file)) {
		FUZZ_CHECK(strlen(file) < NAME_UID_SIZE);
		FUZZ_CHECK(strspn(file, "0123456789.") == strlen(file));
		FUZZ_CHECK(strstr(file, "..") == NULL);
	}
	if (name_destination_valid(file)) {
		FUZZ_CHECK(strlen(file) < NAME_DEST_SIZE);
		FUZZ_CHECK(strchr(file, '/') == NULL && file[0] != '.');
	}
	if (name_parse(file, &name) == 1) {
		FUZZ_CHECK(name_uid_valid(name.uid));
		FUZZ_CHECK(name_is_item(file));
		name_format(&name, again);
		FUZZ_CHECK(strcmp(again, file) == 0);
		name_key_format(&name, key);
		FUZZ_CHECK(strncmp(key, file, strlen(key)) == 0);
		FUZZ_CHECK(file[strlen(key)] == '-');
		fuzz_reached();
	}
	free(file);
	return 0;
}
