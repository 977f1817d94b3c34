/*
 * dcmspool show: all that is known of one item. Values go by the names that
 * they have in envelope and record (dcmspool-spool(5)).
 *
 * Errors: as fs.c. What is wrong with the item itself is shown, as Problem.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "cmd_filter.h"
#include "fs.h"
#include "item.h"
#include "result.h"

#define NAME_WIDTH 23 /* of the longest name, and a space */

/* Where a value goes: the JSON object, or its line at once. */
struct sheet {
	const struct cmd *cmd;
	json_t *object; /* NULL: text */
};

struct showing {
	const struct cmd *cmd;
	struct cmd_filter filter;
	bool json;
	uint64_t shown;
	struct err *err;
};

static int parse(
    struct showing *showing, int argc, char **argv, struct err *err);
static int show_word(struct showing *showing, const char *word);
static int show_item(void *context, const struct cmd_item *item);
static void show_file(
    const struct cmd *cmd, const char *path, struct sheet *sheet);
static void show_envelope(const struct envelope *e, struct sheet *sheet);
static void show_record(
    const struct cmd *cmd, const struct cmd_item *item, struct sheet *sheet);
static void add_attempts(struct sheet *sheet, const struct result *r);
static void add_status(struct sheet *sheet, const struct result *r);
static void add(struct sheet *sheet, const char *name, const char *value);
static void add_int(struct sheet *sheet, const char *name, int64_t value);
static void add_time(struct sheet *sheet, const char *name, int64_t real_us);
static void put_name(const struct sheet *sheet, const char *name);

int
cmd_show(struct cmd *cmd, int argc, char **argv, struct err *err)
{
	struct showing showing = {
	    .cmd = cmd, .filter.sorted = true, .err = err};
	int i, found, code = EX_OK;

	if (parse(&showing, argc, argv, err) == -1)
		return -1;
	if (optind == argc &&
	    cmd_filter_scan(cmd, &showing.filter, CMD_STATES_ALL, show_item,
		&showing, err) == -1)
		return -1;
	for (i = optind; i < argc; i++) {
		found = show_word(&showing, argv[i]);
		if (found == -1)
			return -1;
		if (found == 1)
			continue;
		cmd_put_missing(argv[i]);
		code = CMD_NOTHING;
	}
	return showing.shown == 0 ? CMD_NOTHING : code;
}

static int
parse(struct showing *showing, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {CMD_FILTER_OPTIONS,
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	int option, taken;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j') {
			showing->json = true;
			continue;
		}
		taken = cmd_filter_option(
		    showing->cmd, &showing->filter, option, optarg, err);
		if (taken != 1)
			return taken == 0 ? cmd_bad_option(argv, err) : -1;
	}
	if (optind == argc && !showing->filter.given)
		return err_set(err, ERR_USAGE,
		    "show: name items, or which ones with --dest, --state, "
		    "--source, --study, --older or --status");
	return 0;
}

/* 1, 0 there is none, -1 */
static int
show_word(struct showing *showing, const char *word)
{
	uint64_t before = showing->shown;
	struct cmd_item item;
	int found;

	found =
	    cmd_find(showing->cmd, &showing->filter, word, &item, showing->err);
	if (found != 1)
		return found;
	if (show_item(showing, &item) == -1)
		return -1;
	return showing->shown > before;
}

/* One that went meanwhile is not shown. */
static int
show_item(void *context, const struct cmd_item *item)
{
	struct showing *showing = context;
	const struct cmd *cmd = showing->cmd;
	struct sheet sheet = {
	    .cmd = cmd, .object = showing->json ? json_object() : NULL};
	char path[PATH_SIZE], whole[2 * PATH_SIZE];
	struct stat st;
	int there;

	path_item(path, item->dest, item->state, item->file);
	there = fs_stat(cmd->spool.root_fd, path, &st, showing->err);
	if (there == 1) {
		if (showing->shown++ > 0 && !showing->json)
			(void)putchar('\n');
		(void)snprintf(
		    whole, sizeof(whole), "%s/%s", cmd->spool.location, path);
		add(&sheet, "Path", whole);
		add(&sheet, "Item", item->file);
		add(&sheet, "Destination", item->dest);
		add(&sheet, "State", queue_state_name(item->state));
		add_int(&sheet, "Bytes", st.st_size);
		show_file(cmd, path, &sheet);
		show_record(cmd, item, &sheet);
		if (showing->json &&
		    cmd_json_print(sheet.object, showing->err) == -1)
			return -1;
		sheet.object = NULL;
	}
	json_decref(sheet.object);
	return there == -1 ? -1 : 0;
}

static void
show_file(const struct cmd *cmd, const char *path, struct sheet *sheet)
{
	struct err problem = {.class = ERR_NONE};
	struct item_reader reader;
	const struct part10 *p = &reader.part10;
	int rc;

	rc = item_reader_open(&cmd->spool, path, &reader, &problem);
	if (rc == -1)
		add(sheet, "Problem", problem.text);
	/* As far as it was read: of a truncated item, too. */
	if (p->sop_instance[0] != '\0') {
		add(sheet, "SOPClassUID", p->sop_class);
		add(sheet, "SOPInstanceUID", p->sop_instance);
		add(sheet, "TransferSyntaxUID", p->transfer_syntax);
		add_int(sheet, "DataSetBytes", (int64_t)reader.data_set_bytes);
	}
	if (p->has_envelope)
		show_envelope(&p->envelope, sheet);
	if (rc == 0)
		item_reader_close(&reader);
}

static void
show_envelope(const struct envelope *e, struct sheet *sheet)
{
	add(sheet, "Association", e->association);
	add_int(sheet, "MessageID", e->message_id);
	add(sheet, "CallingAET", e->calling_aet);
	add(sheet, "CalledAET", e->called_aet);
	add(sheet, "PeerAddress", e->peer_address);
	add_time(sheet, "Received", e->received_us);
	add_int(sheet, "Priority", e->priority);
	if (e->move_aet[0] != '\0') {
		add(sheet, "MoveOriginatorAET", e->move_aet);
		add_int(sheet, "MoveOriginatorMessageID", e->move_message_id);
	}
	add_int(sheet, "DataSetLength", (int64_t)e->data_set_bytes);
	add(sheet, "Digest", e->digest);
}

static void
show_record(
    const struct cmd *cmd, const struct cmd_item *item, struct sheet *sheet)
{
	struct err problem = {.class = ERR_NONE};
	struct result r;
	int there;

	there = result_read_record(
	    cmd->spool.root_fd, item->dest, item->file, &r, &problem);
	if (there == -1)
		add(sheet, "RecordProblem", problem.text);
	if (there == 1) {
		add_status(sheet, &r);
		add_attempts(sheet, &r);
	}
}

static void
add_status(struct sheet *sheet, const struct result *r)
{
	char text[RESULT_OFFENDING * 12 + 1];
	size_t i, used = 0;

	if (r->status == RESULT_NO_STATUS)
		(void)snprintf(text, sizeof(text), "none");
	else
		(void)snprintf(
		    text, sizeof(text), "0x%04X", (unsigned)r->status);
	add(sheet, "Status", text);
	if (r->status != RESULT_NO_STATUS)
		add(sheet, "Meaning", cmd_status_words(r->status));
	if (r->error_comment[0] != '\0')
		add(sheet, "ErrorComment", r->error_comment);
	for (i = 0; i < r->offending_n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s(%04" PRIX32 ",%04" PRIX32 ")", i == 0 ? "" : " ",
		    r->offending[i] >> 16, r->offending[i] & 0xFFFF);
	if (r->offending_n > 0)
		add(sheet, "OffendingElement", text);
	if (r->reason[0] != '\0')
		add(sheet, "Reason", r->reason);
}

static void
add_attempts(struct sheet *sheet, const struct result *r)
{
	add_int(sheet, "Attempts", r->attempts);
	if (r->breaks > 0)
		add_int(sheet, "Breaks", r->breaks);
	if (r->deaths > 0)
		add_int(sheet, "Deaths", r->deaths);
	if (r->answer_lost)
		add(sheet, "AnswerLost", "yes");
	add_time(sheet, "First-Attempt", r->first_us);
	add_time(sheet, "Last-Attempt", r->last_us);
	add_time(sheet, "Next-Attempt", r->next_us);
}

static void
add(struct sheet *sheet, const char *name, const char *value)
{
	if (sheet->object != NULL) {
		(void)json_object_set_new(
		    sheet->object, name, cmd_json_text(value));
		return;
	}
	put_name(sheet, name);
	if (sheet->cmd->terminal) {
		cmd_put_wrapped(NAME_WIDTH + 1, NAME_WIDTH + 1, value);
		return;
	}
	cmd_put(stdout, value);
	(void)putchar('\n');
}

static void
add_int(struct sheet *sheet, const char *name, int64_t value)
{
	if (sheet->object != NULL) {
		(void)json_object_set_new(
		    sheet->object, name, json_integer((json_int_t)value));
		return;
	}
	put_name(sheet, name);
	(void)printf("%" PRId64 "\n", value);
}

static void
add_time(struct sheet *sheet, const char *name, int64_t real_us)
{
	int64_t now_us = clock_real_us();
	char iso[CLOCK_ISO_SIZE], age[CMD_AGE_SIZE];

	if (real_us == 0)
		return;
	clock_iso_format(real_us, iso);
	if (sheet->object != NULL || !sheet->cmd->terminal) {
		add(sheet, name, iso);
		return;
	}
	put_name(sheet, name);
	cmd_age_format(
	    real_us > now_us ? real_us - now_us : now_us - real_us, age);
	(void)printf(
	    real_us > now_us ? "%s, in %s\n" : "%s, %s ago\n", iso, age);
}

static void
put_name(const struct sheet *sheet, const char *name)
{
	if (sheet->cmd->terminal)
		(void)printf("%-*s ", NAME_WIDTH, name);
	else
		(void)printf("%s\t", name);
}
