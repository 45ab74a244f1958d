/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration that a call goes by.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_CONFIG_H
#define EBB_EBB_CONFIG_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/files.h"
#include "conf/notify.h"
#include "conf/prices.h"
#include "conf/protect.h"
#include "conf/watched.h"

struct call;

/* Where it is to be read from. */
struct config_source {
	const char *path;
	bool optional;                 /* nobody named it: it may be missing */
	char state[CONF_PATH_MAX + 1]; /* that of --state, made absolute; "": not given */
};

struct config {
	struct conf_files files;
	struct conf conf;
	struct conf_protects protects;
	struct conf_prices prices;
	struct conf_watched watched;
	struct conf_notifies notifies;
	struct conf_errors errors; /* when it was refused */
};

/*
 * By the words of the call: --config, else EBB_CONFIG, else /etc/ebb/ebb.yaml. EXIT_OK, or
 * EXIT_USAGE when it has been said what is wrong with them.
 */
int config_choose(const struct call *call, struct config_source *ret_source);

/*
 * Reads it. EXIT_OK; else an exit code, and all that is wrong has been said on standard error.
 * `ret_config` is to be given to config_done() in any case.
 */
int config_read(const struct config_source *source, struct config *ret_config);
/* Both, for a call. */
int config_find(const struct call *call, struct config *ret_config);

void config_done(struct config *config);

#endif
