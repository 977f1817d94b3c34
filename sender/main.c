/*
 * dcmspool-sender: delivers what is queued. See dcmspool-sender(8).
 *
 * Errors: a message on stderr and an exit code of sysexits.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "../spool/assoc_dcmtk.h"
#include "../spool/clock.h"
#include "../spool/process.h"
#include "../spool/user.h"
#include "ask.h"
#include "identities.h"
#include "sender.h"
#include "trial.h"

#define PROGRAM	     "dcmspool-sender"
#define LOCK_WAIT_MS 10000

static int check(const struct process_options *options, struct err *err);
static int run(const struct process_options *options, struct err *err);
static int prepare_cells(struct sender *sender, struct err *err);
static int become_user(struct sender *sender, struct err *err);

int
main(int argc, char **argv)
{
	struct process_options options = {.takes_echo = true};
	struct err err = {.class = ERR_NONE};
	int rc;

	rc = process_parse_options(argc, argv, PROGRAM, &options, &err);
	if (rc == 1)
		return EX_OK;
	if (rc == 0 && (options.check_only || options.echo != NULL)) {
		rc = check(&options, &err);
		if (rc != -1)
			return rc;
		(void)fprintf(stderr, "%s: %s\n", PROGRAM, err.text);
		return err_exit_code(&err);
	}
	if (rc == 0 && run(&options, &err) == 0)
		return EX_OK;
	LOG(LOG_LEVEL_ERROR, "not-running", LOG_STR("reason", err.text));
	return err_exit_code(&err);
}

/* -n and --echo: the exit code, or -1 and *err. */
static int
check(const struct process_options *options, struct err *err)
{
	struct conf *conf;
	int code;

	log_open(PROGRAM, LOG_LEVEL_ERROR, false);
	if (conf_load(options->conf_path, &conf, err) == -1)
		return -1;
	code = options->echo != NULL ? ask_destination(conf, options->echo, err)
				     : trial_run(conf, PROGRAM);
	conf_free(conf);
	return code;
}

static int
run(const struct process_options *options, struct err *err)
{
	struct sender sender = {.lock_fd = -1};
	int rc = -1;

	log_open(PROGRAM, LOG_LEVEL_INFO, false);
	if (conf_load(options->conf_path, &sender.conf, err) == -1)
		return -1;
	log_open(PROGRAM, sender.conf->log_level, sender.conf->log_to_syslog);
	srandom((unsigned)(clock_mono_us() ^ getpid()));
	sender.signal_fd = process_open_signals(err);
	if (sender.signal_fd == -1 || assoc_init(err) == -1 ||
	    become_user(&sender, err) == -1 ||
	    spool_open(
		sender.conf->storage_location, true, &sender.spool, err) == -1)
		goto out;
	if (spool_lock(&sender.spool, SPOOL_SENDER, LOCK_WAIT_MS,
		&sender.lock_fd, err) == 0 &&
	    prepare_cells(&sender, err) == 0)
		rc = sender_run(&sender, err);
	confine_free(sender.confine);
	spool_close(&sender.spool);
out:
	identities_free(sender.identities);
	conf_free(sender.conf);
	return rc;
}

/* What it takes to confine lanes. */
static int
prepare_cells(struct sender *sender, struct err *err)
{
	if (confine_raise_fd(&sender->spool.root_fd, err) == -1 ||
	    confine_raise_fd(&sender->lock_fd, err) == -1)
		return -1;
	sender->confine = confine_create(CONFINE_LANE, err);
	if (sender->confine == NULL)
		return -1;
	confine_report(sender->confine);
	return 0;
}

/* Keys may be root's alone; nothing else takes root here. */
static int
become_user(struct sender *sender, struct err *err)
{
	const struct conf *conf = sender->conf;
	struct user user;

	if (identities_load(conf, &sender->identities, err) == -1 ||
	    user_find(conf->user, &user, err) == -1 ||
	    user_give_spool(&user, conf->storage_location, err) == -1 ||
	    user_become(&user, err) == -1 || user_settle(&user, err) == -1)
		return -1;
	if (user.uid == 0)
		LOG(LOG_LEVEL_WARNING, "runs-as-root",
		    LOG_STR("consequence", "see User in dcmspool.conf(5)"));
	return 0;
}
