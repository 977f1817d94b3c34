/*
 * Labels: no name of somebody's goes into log, ledger or report.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../spool/err.h"
#include "../spool/fs.h"
#include "../spool/label.h"
#include "test.h"
#include "test_fixture.h"

#define OURS	"20261123T225001.123456Z-m17-1.2.840.113619.2.55.3.604.dcm"
#define THEIRS	"SMITH_JOHN.dcm"
#define IN_NEW	"queue/PACS/new/" THEIRS
#define CORRUPT "queue/PACS/corrupt/" THEIRS

/* The number is that of the file, wherever it goes. */
static void
shows_only_names_of_ours(void)
{
	static const char *const others[] = {THEIRS, "a.dcm",
	    "20261123T225001.123456Z-SMITH_JOHN.dcm",
	    "20261123T225001.123456Z-m17-SMITH.dcm", "x" OURS, OURS "~"};
	char label[LABEL_SIZE], wanted[LABEL_SIZE];
	struct spool spool;
	struct stat st;
	struct err err;
	size_t i;

	test_spool_create(&spool);
	CU_ASSERT_EQUAL_FATAL(spool_make_destination(&spool, "PACS", &err), 0);
	label_item(spool.root_fd, "PACS", QUEUE_NEW, OURS, label);
	CU_ASSERT_STRING_EQUAL(label, OURS);
	label_item(spool.root_fd, "PACS", QUEUE_NEW, "", label);
	CU_ASSERT_STRING_EQUAL(label, "");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		label_item(spool.root_fd, "PACS", QUEUE_NEW, others[i], label);
		TEST_ROW(strcmp(label, "inode=0") == 0, others[i]);
	}
	test_write_text(spool.root_fd, IN_NEW, "x");
	CU_ASSERT_EQUAL(fs_stat(spool.root_fd, IN_NEW, &st, &err), 1);
	(void)snprintf(
	    wanted, sizeof(wanted), "inode=%" PRIuMAX, (uintmax_t)st.st_ino);
	label_item(spool.root_fd, "PACS", QUEUE_NEW, THEIRS, label);
	CU_ASSERT_STRING_EQUAL(label, wanted);
	CU_ASSERT_EQUAL(fs_rename(spool.root_fd, IN_NEW, CORRUPT, &err), 1);
	label_path(spool.root_fd, CORRUPT, THEIRS, label);
	CU_ASSERT_STRING_EQUAL(label, wanted);
	spool_close(&spool);
}

static void
takes_names_out_of_texts(void)
{
	static const struct {
		const char *text, *label, *wanted;
	} rows[] = {
	    {IN_NEW ": no data set", "inode=7",
		"queue/PACS/new/inode=7: no data set"},
	    {"rename " IN_NEW " to " CORRUPT ": File exists", "inode=7",
		"rename queue/PACS/new/inode=7 to "
		"queue/PACS/corrupt/inode=7: File exists"},
	    {THEIRS, "inode=1234567890123", "inode=1234567890123"},
	    {"SMITH_JOHN is none", "inode=7", "SMITH_JOHN is none"},
	    {IN_NEW, THEIRS, IN_NEW}, /* a name of ours stays */
	    {"", "inode=7", ""},
	};
	char text[ERR_TEXT_SIZE];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)strcpy(text, rows[i].text);
		label_text(text, sizeof(text), THEIRS, rows[i].label);
		TEST_ROW(strcmp(text, rows[i].wanted) == 0, rows[i].text);
	}
}

/* Of any length, and wherever the text ends. */
static void
takes_cut_names_out_of_texts(void)
{
	char file[NAME_FILE_SIZE], text[ERR_TEXT_SIZE];
	size_t at, n, wrong = 0;

	for (n = strlen("S.dcm"); n < sizeof(file); n++) {
		(void)memset(file, 'S', n);
		(void)strcpy(file + n - strlen(".dcm"), ".dcm");
		for (at = n; at < sizeof(text) - 1; at++) {
			(void)memset(text, '-', at);
			(void)memcpy(text, file, n);
			text[at] = '\0';
			(void)strncat(text, file, sizeof(text) - 1 - at);
			label_text(text, sizeof(text), file, "inode=7");
			wrong += strchr(text, 'S') != NULL;
			wrong += strlen(text) >= sizeof(text);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	/* A label that is longer than the name has to fit, too. */
	(void)memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	label_text(text, sizeof(text), "a", "inode=7");
	CU_ASSERT_EQUAL(strlen(text), sizeof(text) - 1);
}

static const struct test_case cases[] = {
    {"shows only names of ours", shows_only_names_of_ours},
    {"takes names out of texts", takes_names_out_of_texts},
    {"takes cut names out of texts", takes_cut_names_out_of_texts},
    {0},
};

TEST_SUITE(label, cases)
