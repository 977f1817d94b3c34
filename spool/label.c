/*
 * Labels of items.
 *
 * Errors: none; a file that is not there, or cannot be looked at, is inode 0.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "fs.h"
#include "label.h"

static size_t found_at(const char *at, const char *file, bool was_cut);

void
label_item(int root_fd, const char *dest, enum queue_state state,
    const char *file, char label[LABEL_SIZE])
{
	char path[PATH_SIZE];

	path_item(path, dest, state, file);
	label_path(root_fd, path, file, label);
}

void
label_path(
    int root_fd, const char *path, const char *file, char label[LABEL_SIZE])
{
	uintmax_t inode = 0;
	struct item_name name;
	struct stat st;

	if (file[0] == '\0' || name_parse(file, &name)) {
		(void)strcpy(label, file);
		return;
	}
	if (fs_stat(root_fd, path, &st, NULL) == 1)
		inode = st.st_ino;
	(void)snprintf(label, LABEL_SIZE, "inode=%" PRIuMAX, inode);
}

void
label_text(char *text, size_t size, const char *file, const char *label)
{
	char whole[ERR_TEXT_SIZE];
	size_t used = 0, n;
	const char *at;
	bool was_cut;

	if (file[0] == '\0' || strcmp(file, label) == 0)
		return;
	was_cut = strlen(text) == size - 1;
	(void)snprintf(whole, sizeof(whole), "%s", text);
	for (at = whole; *at != '\0' && used < size - 1; at += n) {
		n = found_at(at, file, was_cut);
		if (n > 0)
			used += (size_t)snprintf(
			    text + used, size - used, "%s", label);
		else
			text[used++] = *at;
		n += n == 0;
	}
	text[used < size ? used : size - 1] = '\0';
}

/* How much of the text is the name; 0 where it is not there. */
static size_t
found_at(const char *at, const char *file, bool was_cut)
{
	size_t n = strlen(file), rest = strlen(at);

	if (was_cut && rest < n)
		n = rest;
	return strncmp(at, file, n) == 0 ? n : 0;
}
