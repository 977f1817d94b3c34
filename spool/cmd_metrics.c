/*
 * dcmspool metrics: written, to standard output or to a file.
 *
 * Errors: as fs.c; ERR_TEMPORARY where there is no memory.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cmd_metrics.h"
#include "fs_replace.h"

#define FILE_MODE 0644 /* node_exporter is another user */

static int write_out(const struct cmd *cmd, const json_t *families, bool json,
    const char *file, struct err *err);
static int replace(
    const char *file, const char *text, size_t size, struct err *err);
static void write_text(FILE *out, const json_t *families);
static void write_sample(FILE *out, const json_t *sample);
static void write_label(FILE *out, const char *text);

int
cmd_metrics(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"output", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
	const char *file = NULL;
	json_t *families;
	bool json = false;
	int option, rc;

	while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'o':
			file = optarg;
			break;
		default:
			return cmd_bad_option(argv, err);
		}
	if (optind < argc)
		return err_set(err, ERR_USAGE,
		    "metrics: unexpected argument %s", argv[optind]);
	if (file != NULL && strlen(file) >= PATH_SIZE)
		return err_set(
		    err, ERR_USAGE, "metrics: the file's name is too long");
	families = metrics_collect(cmd, err);
	if (families == NULL)
		return -1;
	rc = write_out(cmd, families, json, file, err);
	json_decref(families);
	return rc == -1 ? -1 : EX_OK;
}

static int
write_out(const struct cmd *cmd, const json_t *families, bool json,
    const char *file, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int rc = -1;

	out = open_memstream(&text, &size);
	if (out == NULL)
		return err_sys(err, "write metrics");
	if (json)
		(void)json_dumpf(families, out, JSON_COMPACT);
	else
		write_text(out, families);
	if (json)
		(void)fputc('\n', out);
	if (fclose(out) != 0) {
		(void)err_sys(err, "write metrics");
	} else if (file != NULL) {
		cmd_user_leave(cmd);
		rc = replace(file, text, size, err);
		cmd_user_enter(cmd);
	} else {
		(void)fwrite(text, 1, size, stdout);
		rc = 0;
	}
	free(text);
	return rc;
}

/* Whoever reads it sees all of the old one, or all of the new. */
static int
replace(const char *file, const char *text, size_t size, struct err *err)
{
	struct fs_replacement r;

	if (fs_replace_begin(AT_FDCWD, file, &r, err) == -1)
		return -1;
	if (fs_chmod(AT_FDCWD, r.temporary, FILE_MODE, err) == -1) {
		fs_replace_cancel(&r);
		return -1;
	}
	return fs_replace_finish(&r, text, size, false, err);
}

/* The exposition format of Prometheus, version 0.0.4. */
static void
write_text(FILE *out, const json_t *families)
{
	const char *name;
	const json_t *family, *sample;
	size_t i;

	json_object_foreach((json_t *)families, name, family)
	{
		(void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name,
		    json_string_value(json_object_get(family, "Help")), name,
		    json_string_value(json_object_get(family, "Type")));
		json_array_foreach(json_object_get(family, "Samples"), i,
		    sample) write_sample(out, sample);
	}
}

static void
write_sample(FILE *out, const json_t *sample)
{
	json_t *value = json_object_get(sample, "Value"), *label;
	const char *key, *before = "{";

	(void)fputs(json_string_value(json_object_get(sample, "Name")), out);
	json_object_foreach(json_object_get(sample, "Labels"), key, label)
	{
		(void)fprintf(out, "%s%s=\"", before, key);
		write_label(out, json_string_value(label));
		(void)fputc('"', out);
		before = ",";
	}
	if (before[0] == ',')
		(void)fputc('}', out);
	if (json_is_integer(value))
		(void)fprintf(out, " %" JSON_INTEGER_FORMAT "\n",
		    json_integer_value(value));
	else
		(void)fprintf(out, " %.15g\n", json_real_value(value));
}

static void
write_label(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		if (*text == '\n')
			(void)fputs("\\n", out);
		else
			(void)fputc(*text, out);
	}
}
