/*
 * The ledger as a file: renamed away, handed over, not to be had.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spool/ledger.h"
#include "../spool/path.h"
#include "test.h"

static char folder[PATH_SIZE], path[PATH_SIZE + 16], other[PATH_SIZE + 16];

/* A folder for one test. */
static void
set_up(const char *name)
{
	(void)snprintf(folder, sizeof(folder), "%s/%s", test_tmpdir(), name);
	CU_ASSERT_EQUAL_FATAL(mkdir(folder, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/log/ledger", folder);
	(void)snprintf(other, sizeof(other), "%s/log/ledger.1", folder);
}

/* How many lines a file has; each begins with a time and ends. */
static int
lines_of(const char *file)
{
	char line[2 * LOG_LINE_SIZE];
	FILE *stream = fopen(file, "r");
	int n = 0;

	if (stream == NULL)
		return -1;
	while (fgets(line, sizeof(line), stream) != NULL) {
		CU_ASSERT_PTR_NOT_NULL(strstr(line, " ledger moved item="));
		CU_ASSERT_EQUAL(line[strlen(line) - 1], '\n');
		n++;
	}
	(void)fclose(stream);
	return n;
}

static bool
write_one(struct ledger *ledger)
{
	return LEDGER(ledger, "moved", LOG_STR("item", "a b\nc"));
}

static void
test_none(void)
{
	struct ledger *ledger = ledger_open("", NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(ledger);
	CU_ASSERT_TRUE(write_one(ledger));
	CU_ASSERT_FALSE(ledger_is_stale(ledger));
	CU_ASSERT_EQUAL(ledger_fd(ledger), -1);
	ledger_close(ledger);
	ledger_close(NULL);
}

static void
test_renamed_away(void)
{
	struct ledger *ledger;
	bool wrote = true;

	set_up("renamed");
	ledger = ledger_open(path, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ledger);
	CU_ASSERT_TRUE(write_one(ledger));
	CU_ASSERT_EQUAL(lines_of(path), 1);
	CU_ASSERT_EQUAL(rename(path, other), 0);
	/* At the latest a second after the last look. */
	while (access(path, F_OK) != 0 && wrote)
		wrote = write_one(ledger);
	CU_ASSERT_TRUE(wrote);
	CU_ASSERT_EQUAL(lines_of(path), 1);
	CU_ASSERT_TRUE(lines_of(other) >= 1);
	ledger_close(ledger);
}

/* A confined process opens nothing, and goes on where it is. */
static void
test_handed_over(void)
{
	struct ledger *ledger, *parent;

	set_up("handed");
	parent = ledger_open(path, NULL);
	ledger = ledger_open(path, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ledger);
	ledger_confine(ledger);
	CU_ASSERT_EQUAL(rename(path, other), 0);
	while (!ledger_is_stale(ledger))
		continue;
	CU_ASSERT_TRUE(write_one(ledger));
	CU_ASSERT_EQUAL(lines_of(other), 1);
	while (access(path, F_OK) != 0)
		(void)ledger_fd(parent);
	ledger_take(ledger, dup(ledger_fd(parent)));
	CU_ASSERT_TRUE(write_one(ledger));
	CU_ASSERT_EQUAL(lines_of(path), 1);
	CU_ASSERT_EQUAL(lines_of(other), 1);
	ledger_close(ledger);
	ledger_close(parent);
}

static void
test_not_to_be_had(void)
{
	struct ledger *ledger;
	char log[PATH_SIZE + 8];
	int fd;

	set_up("not-to-be-had");
	(void)snprintf(log, sizeof(log), "%s/log", folder);
	fd = open(log, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
	(void)close(fd);
	ledger = ledger_open(path, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ledger);
	CU_ASSERT_FALSE(write_one(ledger));
	CU_ASSERT_EQUAL(unlink(log), 0);
	while (!write_one(ledger))
		continue;
	CU_ASSERT_EQUAL(lines_of(path), 1);
	ledger_close(ledger);
}

static const struct test_case cases[] = {
    {"none is no trouble", test_none},
    {"is followed when it is renamed away", test_renamed_away},
    {"is handed over", test_handed_over},
    {"comes back when it can be had", test_not_to_be_had},
    {0},
};

TEST_SUITE(ledger, cases)
