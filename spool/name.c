/*
 * Item names, and what else may stand in a path.
 *
 * Errors: none; a name is one of ours, or it is not.
 */
#include <ctype.h>
#include <string.h>

#include "name.h"
#include "text.h"

#define SUFFIX	    ".dcm"
#define SUFFIX_SIZE (sizeof(SUFFIX) - 1)
#define STAMP_CHARS (CLOCK_STAMP_SIZE - 1)

bool
name_uid_valid(const char *uid)
{
	char before = '.';
	size_t i;

	for (i = 0; uid[i] != '\0'; i++) {
		if (i == NAME_UID_SIZE - 1)
			return false;
		if (uid[i] == '.' ? before == '.'
				  : uid[i] < '0' || uid[i] > '9')
			return false;
		before = uid[i];
	}
	return before != '.';
}

bool
name_destination_valid(const char *name)
{
	size_t size = strlen(name);

	return size > 0 && size < NAME_DEST_SIZE &&
	       isalnum((unsigned char)name[0]) &&
	       strspn(name,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		   "0123456789._-") == size;
}

void
name_format(const struct item_name *name, char out[NAME_ITEM_SIZE])
{
	char key[NAME_KEY_SIZE];

	name_key_format(name, key);
	text_join(out, NAME_ITEM_SIZE, key, "-", name->uid, SUFFIX, NULL);
}

void
name_key_format(const struct item_name *name, char out[NAME_KEY_SIZE])
{
	char stamp[CLOCK_STAMP_SIZE], message[TEXT_INT_SIZE];

	clock_stamp_format(name->stamp_us, stamp);
	text_int(name->message_id, message);
	text_join(out, NAME_KEY_SIZE, stamp, "-m", message, NULL);
}

int
name_parse(const char *file, struct item_name *name)
{
	size_t size = strlen(file), uid_size;
	unsigned message_id = 0;
	const char *c;

	if (size <= STAMP_CHARS + SUFFIX_SIZE || size >= NAME_ITEM_SIZE ||
	    !clock_stamp_parse(file, &name->stamp_us) ||
	    strcmp(file + size - SUFFIX_SIZE, SUFFIX) != 0 ||
	    strncmp(file + STAMP_CHARS, "-m", 2) != 0)
		return 0;
	c = file + STAMP_CHARS + 2;
	if (!isdigit((unsigned char)*c) ||
	    (c[0] == '0' && isdigit((unsigned char)c[1])))
		return 0;
	for (; isdigit((unsigned char)*c); c++) {
		message_id = message_id * 10 + (unsigned)(*c - '0');
		if (message_id > UINT16_MAX)
			return 0;
	}
	if (*c++ != '-')
		return 0;
	uid_size = (size_t)(file + size - SUFFIX_SIZE - c);
	if (c > file + size - SUFFIX_SIZE || uid_size >= NAME_UID_SIZE)
		return 0;
	memcpy(name->uid, c, uid_size);
	name->uid[uid_size] = '\0';
	name->message_id = (uint16_t)message_id;
	return name_uid_valid(name->uid);
}

bool
name_is_item(const char *file)
{
	size_t size = strlen(file);

	return file[0] != '.' && size > SUFFIX_SIZE && size < NAME_FILE_SIZE &&
	       strcmp(file + size - SUFFIX_SIZE, SUFFIX) == 0;
}
