/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of the command line: what was asked, and what main() found outside. Handlers get this
 * and nothing else.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_CALL_H
#define EBB_EBB_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ebb/args.h"

enum { CALL_PATH = 512 };

struct call {
	struct args args;
	const char *config_env;         /* EBB_CONFIG, NULL: not set */
	const char *repo_env;           /* EBB_REPO */
	const char *key_file_env;       /* EBB_KEY_FILE */
	const char *password_file_env;  /* EBB_PASSWORD_FILE */
	const char *data_env;           /* EBB_DATA */
	const char *const *environment; /* for programs that are started; NULL at the end */
	char state_home[CALL_PATH];     /* where a session may keep its state, "" unknown */
	char catalog_folder[CALL_PATH]; /* where the catalog lies, "" unknown */
	char cache_folder[CALL_PATH];   /* for what can be made again, "" unknown */
	char spare_folder[CALL_PATH];   /* for files that nobody else shall see */
	char program_folder[CALL_PATH]; /* of the ebb that runs */
	char work_folder[CALL_PATH];    /* what relative paths are relative to */
	bool color;                     /* standard output shows colours */
	bool letters;                   /* ... and nothing but ASCII */
	bool terminal;                  /* standard output is one that can be drawn on */
};

/* The command's handlers, one for each row of the table. */
int call_backup(const struct call *call);
int call_completion(const struct call *call);
int call_config_check(const struct call *call);
int call_config_sample(const struct call *call);
int call_config_show(const struct call *call);
int call_demo(const struct call *call);
int call_doctor(const struct call *call);
int call_forecast(const struct call *call);
int call_help(const struct call *call);
int call_history_import(const struct call *call);
int call_man(const struct call *call);
int call_model_backtest(const struct call *call);
int call_model_ls(const struct call *call);
int call_protect(const struct call *call);
int call_notify_send(const struct call *call);
int call_notify_test(const struct call *call);
int call_plan(const struct call *call);
int call_policy_lint(const struct call *call);
int call_repo_gc(const struct call *call);
int call_repo_adopt(const struct call *call);
int call_repo_check(const struct call *call);
int call_repo_init(const struct call *call);
int call_repo_probe(const struct call *call);
int call_repo_sync(const struct call *call);
int call_repo_key(const struct call *call);
int call_repo_upgrade(const struct call *call);
int call_repo_unlock(const struct call *call);
int call_restore(const struct call *call);
int call_run(const struct call *call);
int call_simulate(const struct call *call);
int call_snap_diff(const struct call *call);
int call_snap_accept(const struct call *call);
int call_snap_hold(const struct call *call);
int call_snap_ls(const struct call *call);
int call_snap_mount(const struct call *call);
int call_snap_release(const struct call *call);
int call_snap_rm(const struct call *call);
int call_status(const struct call *call);
int call_job_ls(const struct call *call);
int call_job_why(const struct call *call);
int call_job_now(const struct call *call);
int call_job_cancel(const struct call *call);
int call_pause(const struct call *call);
int call_resume(const struct call *call);
int call_top(const struct call *call);
int call_verify(const struct call *call);
int call_volume_create(const struct call *call);
int call_volume_cut(const struct call *call);
int call_volume_drop(const struct call *call);
int call_volume_ls(const struct call *call);
int call_volume_resize(const struct call *call);
int call_volume_rm(const struct call *call);
int call_wal_expire(const struct call *call);
int call_wal_ls(const struct call *call);
int call_wal_pull(const struct call *call);
int call_wal_push(const struct call *call);
int call_why(const struct call *call);
int call_version(const struct call *call);

/* Writes to standard output; when that fails it says so. Returns EXIT_OK or EXIT_FAILED. */
struct str;
int call_print(const struct str *text);

/* One JSON document as a line. Takes it; NULL is a want of memory, which call_print() then tells.
 */
void call_add_json(struct str *text, json_t *document);
int call_print_json(json_t *document);

/* For OWN(). */
static inline void json_own(json_t **document)
{
	json_decref(*document);
}

/* "ebb: TEXT" on standard error. Returns `code`. */
int call_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
