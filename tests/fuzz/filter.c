/*
 * What an operator, or a script of his, gives to a command: a byte that says
 * which option it is for, and its value.
 *
 * Errors: what does not hold aborts.
 */
#include <stdlib.h>
#include <string.h>

#include "../../spool/clock.h"
#include "../../spool/cmd_filter.h"
#include "../../spool/log.h"
#include "../../spool/result.h"
#include "fuzz.h"

static void
words(const char *value)
{
	enum queue_state state;
	enum log_level level;
	int64_t seconds;

	if (queue_state_parse(value, &state))
		FUZZ_CHECK(strcmp(queue_state_name(state), value) == 0);
	(void)log_level_parse(value, &level);
	if (cmd_seconds_parse(value, &seconds) == 0)
		FUZZ_CHECK(seconds >= 0 && seconds <= INT32_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf *conf;
	static struct cmd cmd;
	struct cmd_filter filter = {.given = false};
	struct err err = {.class = ERR_NONE};
	int64_t now_us = clock_real_us();
	char *value;
	int option, rc;

	if (size == 0)
		return 0;
	if (conf == NULL)
		fuzz_world(1, &conf, &cmd.spool);
	cmd.conf = conf;
	value = fuzz_string(data + 1, size - 1);
	words(value);
	option = CMD_OPTION_DEST + data[0] % (CMD_OPTIONS - CMD_OPTION_DEST);
	rc = cmd_filter_option(&cmd, &filter, option, value, &err);
	FUZZ_CHECK(rc == 1 || rc == -1);
	if (rc == -1)
		FUZZ_CHECK(err.class == ERR_USAGE && err.text[0] != '\0');
	if (rc == 1) {
		FUZZ_CHECK(filter.given);
		FUZZ_CHECK((filter.states & ~CMD_STATES_ALL) == 0);
		FUZZ_CHECK(filter.before_us <= now_us + 60000000);
		FUZZ_CHECK(filter.status >= RESULT_NO_STATUS);
		FUZZ_CHECK(filter.status <= 0xFFFF);
		if (filter.dest[0] != '\0')
			FUZZ_CHECK(strcmp(filter.dest, "pacs") == 0);
		fuzz_reached();
	}
	free(value);
	return 0;
}
