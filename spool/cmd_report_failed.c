/*
 * dcmspool report: what failed, by destination, status and reason, and what to
 * do about it.
 *
 * Errors: as fs.c. An item without a record has no status and no reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_filter.h"
#include "cmd_report.h"
#include "result.h"

#define GROUPS_MAX 64

struct group {
	char dest[NAME_DEST_SIZE];
	int status;
	char reason[RESULT_REASON_SIZE];
	char example[LABEL_SIZE];
	int64_t items, oldest_us;
};

struct groups {
	const struct cmd *cmd;
	struct err *err;
	struct group group[GROUPS_MAX];
	size_t n;
	int64_t more; /* of other groups */
};

static int take_item(void *context, const struct cmd_item *item);
static struct group *find(
    struct groups *groups, const char *dest, int status, const char *reason);
static json_t *group_json(const struct group *group);
static const char *to_do(int status);

json_t *
report_failed_json(const struct cmd *cmd, struct err *err)
{
	const struct cmd_filter all = {.given = false};
	struct groups *groups;
	json_t *list = NULL;
	size_t i;

	groups = calloc(1, sizeof(*groups));
	if (groups == NULL) {
		(void)err_sys(err, "get memory for the report");
		return NULL;
	}
	groups->cmd = cmd;
	groups->err = err;
	if (cmd_filter_scan(cmd, &all, CMD_STATE_BIT(QUEUE_FAILED), take_item,
		groups, err) != -1) {
		list = json_array();
		for (i = 0; i < groups->n; i++)
			(void)json_array_append_new(
			    list, group_json(&groups->group[i]));
	}
	free(groups);
	return list;
}

static int
take_item(void *context, const struct cmd_item *item)
{
	struct groups *groups = context;
	struct result result = {.status = RESULT_NO_STATUS};
	struct group *group;
	int64_t arrived_us, bytes;
	char label[LABEL_SIZE];
	int there;

	there =
	    cmd_arrival(groups->cmd, item, &arrived_us, &bytes, groups->err);
	if (there != 1)
		return there;
	if (result_read_record(groups->cmd->spool.root_fd, item->dest,
		item->file, &result, NULL) != 1)
		result = (struct result){.status = RESULT_NO_STATUS};
	label_item(groups->cmd->spool.root_fd, item->dest, item->state,
	    item->file, label);
	label_text(result.reason, sizeof(result.reason), item->file, label);
	/* Of a status the reason is in the words for it. */
	group = find(groups, item->dest, result.status,
	    result.status == RESULT_NO_STATUS ? result.reason : "");
	if (group == NULL)
		return 0;
	if (group->items++ == 0 || arrived_us < group->oldest_us) {
		group->oldest_us = arrived_us;
		(void)strcpy(group->example, label);
	}
	return 0;
}

static struct group *
find(struct groups *groups, const char *dest, int status, const char *reason)
{
	struct group *group;
	size_t i;

	for (i = 0; i < groups->n; i++) {
		group = &groups->group[i];
		if (strcmp(group->dest, dest) == 0 && group->status == status &&
		    strcmp(group->reason, reason) == 0)
			return group;
	}
	if (groups->n == GROUPS_MAX) {
		groups->more++;
		return NULL;
	}
	group = &groups->group[groups->n++];
	(void)strcpy(group->dest, dest);
	group->status = status;
	(void)snprintf(group->reason, sizeof(group->reason), "%s", reason);
	return group;
}

static json_t *
group_json(const struct group *group)
{
	char status[16] = "none";

	if (group->status != RESULT_NO_STATUS)
		(void)snprintf(
		    status, sizeof(status), "0x%04X", (unsigned)group->status);
	return json_pack("{ss, ss, ss, so, ss, sI, so, so}", "Destination",
	    group->dest, "Status", status, "Meaning",
	    cmd_status_words(group->status), "Reason",
	    cmd_json_text(group->reason), "ToDo", to_do(group->status), "Items",
	    (json_int_t)group->items, "Oldest", cmd_json_time(group->oldest_us),
	    "Example", cmd_json_text(group->example));
}

/* What to do about items that failed with a status; never NULL. */
static const char *
to_do(int status)
{
	static const struct {
		int first, last;
		const char *words;
	} table[] = {
	    {RESULT_NO_STATUS, RESULT_NO_STATUS,
		"It was given up without an answer. See that the destination "
		"can be reached (dcmspool-sender --echo), then: dcmspool "
		"retry."},
	    {0x0110, 0x0110,
		"The destination had a fault of its own: its operator finds "
		"the reason in its log. Then: dcmspool retry."},
	    {0x0111, 0x0111,
		"The destination has another instance under this UID. If it "
		"is the same image: dcmspool remove. Else the modality has to "
		"send it under a UID of its own."},
	    {0x0117, 0x0117,
		"The SOP Instance UID is none. dcmspool edit can set a valid "
		"one; tell the vendor of the modality."},
	    {0x0118, 0x0118,
		"The destination does not know this kind of image: its "
		"operator has to allow the SOP class. Then: dcmspool retry."},
	    {0x0122, 0x0122,
		"The destination does not take this kind of image in this "
		"transfer syntax: its operator has to allow it. Then: dcmspool "
		"retry. dcmspool-sender --echo shows what it takes."},
	    {0x0124, 0x0124,
		"The destination does not let us store: its operator has to "
		"allow our AE title. Then: dcmspool retry."},
	    {0x0210, 0x0213,
		"The destination could not do it just then. Try again: "
		"dcmspool retry."},
	    {0xA700, 0xA7FF,
		"The destination is out of resources, its disk is full "
		"perhaps: call its operator. Then: dcmspool retry."},
	    {0xA900, 0xA9FF,
		"The destination does not like what is in it, often the "
		"patient ID. dcmspool show has its comment; correct the items "
		"with dcmspool edit, then: dcmspool retry."},
	    {0xC000, 0xCFFF,
		"The destination cannot read it. dcmspool show has its "
		"comment, and dcmdump shows what is in it; correct it with "
		"dcmspool edit, then: dcmspool retry."},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (status >= table[i].first && status <= table[i].last)
			return table[i].words;
	return "dcmspool show has what the destination said; ask its operator, "
	       "then: dcmspool retry.";
}
