/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration files of ebbd, read whole: at the start and for every reload.
 *
 * Any thread; calls block.
 */
#ifndef EBB_EBBD_CONFIG_H
#define EBB_EBBD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "conf/notify.h"
#include "conf/protect.h"
#include "conf/watched.h"

struct config_source {
	const char *path;
	bool optional;     /* nobody asked for that file: all defaults when it is not there */
	const char *state; /* --state, or NULL */
};

struct config {
	struct conf conf;
	struct conf_watched watched;
	struct conf_protects protects;
	struct conf_notifies notifies;
	uint64_t hash; /* of the files' names and bytes; 0: there are none */
};

/* 0, or a negative errno and at least one sentence in `ret_errors`. Gives what is watched. */
int config_read(const struct config_source *source, struct config *ret_config,
	struct conf_errors *ret_errors);

void config_done(struct config *config);

#endif
