/*
 * What operators do, in the ledger and the counters.
 *
 * Errors: none to the caller; what cannot be written is logged on stderr.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "ledger.h"

struct cmd_account {
	const struct cmd *cmd;
	struct ledger *ledger; /* NULL: not opened, or none is kept */
	struct counters *counters;
};

static const char *who(void);

struct cmd_account *
cmd_account_new(const struct cmd *cmd, struct err *err)
{
	struct cmd_account *account = calloc(1, sizeof(*account));

	if (account == NULL)
		(void)err_sys(err, "get memory");
	else
		account->cmd = cmd;
	return account;
}

void
cmd_account_free(struct cmd_account *account)
{
	if (account == NULL)
		return;
	ledger_close(account->ledger);
	counters_close(account->counters);
	free(account);
}

void
cmd_audit(const struct cmd *cmd, enum counters_act act,
    const struct cmd_item *item, const char *label, const char *target)
{
	struct cmd_account *account = cmd->account;
	struct item_name name = {.uid = ""};

	if (account->counters == NULL)
		account->counters = counters_open(&cmd->spool, NULL);
	if (account->counters != NULL)
		counters_act(counters_add(account->counters, item->dest), act);
	if (account->ledger == NULL && cmd->conf->ledger[0] != '\0')
		account->ledger = ledger_open(cmd->conf->ledger, NULL);
	(void)name_parse(item->file, &name);
	if (LEDGER(account->ledger, "operator",
		LOG_STR("action", counters_act_name(act)), LOG_STR("by", who()),
		LOG_STR("destination", item->dest),
		LOG_STR("state",
		    item->file[0] == '\0' ? "" : queue_state_name(item->state)),
		LOG_STR("item", label), LOG_STR("uid", name.uid),
		LOG_STR("target", target)))
		return;
	if (account->counters != NULL)
		counters_count(
		    counters_whole(account->counters), COUNTERS_LEDGER_ERRORS);
}

void
cmd_audit_verb(const struct cmd *cmd, const char *verb,
    const struct cmd_item *item, const char *label, const char *target)
{
	int act;

	for (act = 0; act < COUNTERS_ACTS; act++)
		if (strcmp(counters_act_name((enum counters_act)act), verb) ==
		    0)
			cmd_audit(
			    cmd, (enum counters_act)act, item, label, target);
}

/* Who called sudo(8), else who we really are. */
static const char *
who(void)
{
	const char *name = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *user;

	if (name != NULL && name[0] != '\0')
		return name;
	user = getpwuid(getuid());
	return user == NULL ? "?" : user->pw_name;
}
