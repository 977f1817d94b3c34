/*
 * dcmspool-receiver: takes instances from modalities, puts them into the
 * spool, and answers with the destination's own answer. See
 * dcmspool-receiver(8).
 *
 * Errors: each ends the program, with a line that says why and the exit code
 * of its class (err.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "../spool/assoc_dcmtk.h"
#include "../spool/conf.h"
#include "../spool/fs.h"
#include "../spool/log.h"
#include "../spool/process.h"
#include "../spool/spool.h"
#include "association.h"
#include "prepare.h"
#include "recover.h"
#include "server.h"
#include "shared.h"
#include "trial.h"

#define PROGRAM	     "dcmspool-receiver"
#define LOCK_WAIT_MS 10000

static int run(struct conf *conf, struct err *err);
static int become_user(
    const struct conf *conf, struct user *user, struct err *err);
static int recover(const struct server_settings *settings, int64_t *newest_us,
    struct err *err);
static void serve(struct child *child) __attribute__((noreturn));

int
main(int argc, char **argv)
{
	struct process_options options = {.takes_echo = false};
	struct err err = {.class = ERR_NONE};
	struct conf *conf = NULL;
	int rc;

	rc = process_parse_options(argc, argv, PROGRAM, &options, &err);
	if (rc == 1)
		return EX_OK;
	if (rc == 0)
		rc = conf_load(options.conf_path, &conf, &err);
	if (rc == 0 && options.check_only) {
		log_open(PROGRAM, LOG_LEVEL_ERROR, false);
		rc = trial_run(conf, PROGRAM);
		conf_free(conf);
		return rc;
	}
	if (rc == -1 || conf == NULL) {
		(void)fprintf(stderr, "%s: %s\n", PROGRAM, err.text);
		return err_exit_code(&err);
	}
	log_open(PROGRAM, conf->log_level, conf->log_to_syslog);
	if (run(conf, &err) == 0)
		return EX_OK;
	LOG(LOG_LEVEL_ERROR, "failed", LOG_STR("error", err.text));
	return err_exit_code(&err);
}

static int
run(struct conf *conf, struct err *err)
{
	struct server_settings settings = {.conf = conf, .serve = serve};
	struct spool spool = {.root_fd = -1};
	struct user user;
	int64_t newest_us = 0;
	int lock_fd = -1, rc = -1;

	settings.spool = &spool;
	settings.user = &user;
	settings.signal_fd = process_open_signals(err);
	if (settings.signal_fd == -1 || assoc_init(err) == -1 ||
	    prepare_keys(conf, &settings.tls, err) == -1 ||
	    become_user(conf, &user, err) == -1 ||
	    spool_open(conf->storage_location, true, &spool, err) == -1 ||
	    spool_lock(&spool, SPOOL_RECEIVER, LOCK_WAIT_MS, &lock_fd, err) ==
		-1 ||
	    confine_raise_fd(&spool.root_fd, err) == -1 ||
	    confine_raise_fd(&lock_fd, err) == -1 ||
	    recover(&settings, &newest_us, err) == -1)
		goto out;
	settings.shared = shared_create(newest_us, err);
	if (settings.shared == NULL ||
	    prepare_spool(conf, &spool, settings.shared, err) == -1)
		goto out;
	recover_folders(&spool, conf);
	settings.conf = conf;
	conf = NULL;
	rc = server_run(&settings, err);
	settings.tls = NULL;
out:
	shared_free(settings.shared);
	tls_free(settings.tls);
	conf_free(conf);
	(void)fs_close(&lock_fd, PATH_RESULT, NULL);
	(void)fs_close(&settings.signal_fd, "signals", NULL);
	if (spool.location != NULL)
		spool_close(&spool);
	return rc;
}

/* Of what takes root only the port is left to be had. */
static int
become_user(const struct conf *conf, struct user *user, struct err *err)
{
	if (user_find(conf->user, user, err) == -1 ||
	    user_give_spool(user, conf->storage_location, err) == -1 ||
	    user_become(user, err) == -1)
		return -1;
	if (user->uid == 0)
		LOG(LOG_LEVEL_WARNING, "runs-as-root",
		    LOG_STR("consequence", "see User in dcmspool.conf(5)"));
	return 0;
}

/* Only the holder of the lock does it, and before anything new comes. */
static int
recover(
    const struct server_settings *settings, int64_t *newest_us, struct err *err)
{
	if (recover_all(settings->spool, err) == -1)
		return -1;
	return spool_newest_stamp(settings->spool, newest_us, err);
}

static void
serve(struct child *child)
{
	_exit(association_serve(child) ? EX_OK : CHILD_NO_ASSOCIATION);
}
