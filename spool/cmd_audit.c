/*
 * What operators do, in the ledger.
 *
 * Errors: none to the caller; what cannot be written is logged on stderr.
 */
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "ledger.h"

static const char *who(void);

void
cmd_audit(const struct cmd *cmd, const char *action,
    const struct cmd_item *item, const char *target)
{
	struct item_name name = {.uid = ""};
	struct ledger *ledger;

	if (cmd->conf->ledger[0] == '\0')
		return;
	ledger = ledger_open(cmd->conf->ledger, NULL);
	if (ledger == NULL)
		return;
	(void)name_parse(item->file, &name);
	(void)LEDGER(ledger, "operator", LOG_STR("action", action),
	    LOG_STR("by", who()), LOG_STR("destination", item->dest),
	    LOG_STR("state",
		item->file[0] == '\0' ? "" : queue_state_name(item->state)),
	    LOG_STR("item", item->file), LOG_STR("uid", name.uid),
	    LOG_STR("target", target));
	ledger_close(ledger);
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
