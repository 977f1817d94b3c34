/*
 * A configuration for the tests of conf.
 *
 * Errors: assertions of CUnit.
 */
#include <stdio.h>
#include <string.h>

#include "../spool/conf_table.h"
#include "test.h"
#include "test_conf_text.h"

#define TEXT_SIZE 4096

/* The %s are in the order of conf_text_slots[]. */
static const char base[] = "StorageLocation = \"/s\"; %s\n"
			   "receiver = {\n"
			   "	LocalAET = \"ENS-SCP\";\n"
			   "	RemoteAET = \"JD-SCU\";\n"
			   "	%s };\n"
			   "routes = ( {\n"
			   "	DuplexTargetConfigNames = \"A, B\";\n"
			   "	%s } );\n"
			   "destinations = ( {\n"
			   "	Name = \"A\"; RemoteAET = \"X\";\n"
			   "	RemoteHost = \"h\"; %s\n"
			   "}, {\n"
			   "	Name = \"B\"; RemoteAET = \"Y\"; RemoteHost = "
			   "\"h\";\n"
			   "} );\n"
			   "log = { %s };\n";

const char *const conf_text_slots[CONF_TEXT_SLOTS] = {
    CONF_TOP, CONF_RECEIVER, CONF_ROUTES, CONF_DESTINATIONS, CONF_LOG};

const char *
conf_text_file(void)
{
	static char path[128];

	if (*path == '\0')
		(void)snprintf(path, sizeof(path), "%s/t.conf", test_tmpdir());
	return path;
}

void
conf_text_write(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fwrite(text, 1, size, file), size);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static void
make_text(const struct conf_text_edit *edit, char out[TEXT_SIZE])
{
	const char *slot[CONF_TEXT_SLOTS];
	char text[TEXT_SIZE], *found;
	size_t i;

	for (i = 0; i < CONF_TEXT_SLOTS; i++)
		slot[i] = edit->group != NULL &&
				  strcmp(edit->group, conf_text_slots[i]) == 0
			      ? edit->setting
			      : "";
	(void)snprintf(
	    out, TEXT_SIZE, base, slot[0], slot[1], slot[2], slot[3], slot[4]);
	if (edit->find == NULL)
		return;
	found = strstr(out, edit->find);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(found - out), out,
	    edit->replace, found + strlen(edit->find));
	(void)snprintf(out, TEXT_SIZE, "%s", text);
}

int
conf_text_load(
    const struct conf_text_edit *edit, struct conf **conf, struct err *err)
{
	char text[TEXT_SIZE];

	make_text(edit, text);
	conf_text_write(conf_text_file(), text, strlen(text));
	return conf_load(conf_text_file(), conf, err);
}

struct conf *
conf_text_load_good(const char *group, const char *setting)
{
	const struct conf_text_edit edit = {group, setting, NULL, NULL};
	struct conf *conf = NULL;
	struct err err = {0};

	if (conf_text_load(&edit, &conf, &err) < 0)
		(void)fprintf(stderr, "\n%s\n", err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	return conf;
}
