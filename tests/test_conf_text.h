/*
 * A configuration for the tests of conf: a good one, with one thing changed.
 */
#ifndef DCMSPOOL_TEST_CONF_TEXT_H
#define DCMSPOOL_TEST_CONF_TEXT_H

#include <stddef.h>

#include "../spool/conf.h"

#define CONF_TEXT_SLOTS 5

/* The groups that a setting can be put into. */
extern const char *const conf_text_slots[CONF_TEXT_SLOTS];

/* The good text with a setting in one group, and with one text for another. */
struct conf_text_edit {
	const char *group, *setting; /* or NULL */
	const char *find, *replace;  /* or NULL */
};

/* The file that it is written to. */
const char *conf_text_file(void);
void conf_text_write(const char *path, const char *text, size_t size);

/* Writes the file and loads it, as conf_load. */
int conf_text_load(
    const struct conf_text_edit *edit, struct conf **conf, struct err *err);
/* With a setting in one group (or NULL, NULL). The caller frees it. */
struct conf *conf_text_load_good(const char *group, const char *setting);

#endif
