/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: bytes of YAML in, one plain value out. Pure: reading files is files.h, and
 * whoever starts a program decides which file that is.
 *
 * What keys there are stands in one table (keys.c). A struct conf always holds valid values: a text
 * with any mistake in it yields none at all, so that a running daemon keeps what it had.
 *
 * Any thread.
 */
#ifndef EBB_CONF_CONF_H
#define EBB_CONF_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "conf/errors.h"
#include "conf/listen.h"

enum {
	CONF_NAME_MAX = 63,
	CONF_PATH_MAX = 511,
	CONF_SOCKET_MAX = 107, /* sun_path of unix(7), without its NUL */
	CONF_FILE_MAX = 1 << 20,
	CONF_NODES_MAX = 10000,
	CONF_WANTED_MAX = 1023,
	CONF_DEPTH_MAX = 16,
	CONF_HOSTS_MAX = 255,
};

enum conf_log_format {
	CONF_LOG_AUTO, /* journal when its socket is what stderr goes to, else logfmt */
	CONF_LOG_LOGFMT,
	CONF_LOG_JOURNAL,
};

enum conf_key_id {
	CONF_NODE_NAME,
	CONF_NODE_REGION,
	CONF_STATE,
	CONF_LOG_LEVEL,
	CONF_LOG_FORMAT,
	CONF_LOOP_TICK,
	CONF_FORECAST_CPU,
	CONF_CONTROL_SOCKET,
	CONF_VOLD_SOCKET,
	CONF_WATCH_PROGRAMS,
	CONF_WATCH_PROGRAMS_MAX,
	CONF_HTTP_LISTEN,
	CONF_HTTP_SOCKET,
	CONF_HTTP_LOOPBACK,
	CONF_HTTP_TOKEN_FILE,
	CONF_HTTP_CERTIFICATE,
	CONF_HTTP_PRIVATE_KEY,
	CONF_HTTP_HOSTS,
	CONF_HTTP_PAGE,
	CONF_KEYS
};

/* Who has nothing to show but that he reaches a loopback port of this machine. */
enum conf_loopback { CONF_LOOPBACK_NONE, CONF_LOOPBACK_VIEWER, CONF_LOOPBACK_ADMIN };

/* The HTTP API and the page (web/). Paths are "" where there is none. */
struct conf_http {
	char listen[CONF_LISTEN_MAX + 1];
	char socket[CONF_SOCKET_MAX + 1];
	enum conf_loopback loopback;
	char token_file[CONF_PATH_MAX + 1];
	char certificate[CONF_PATH_MAX + 1];
	char private_key[CONF_PATH_MAX + 1];
	char hosts[CONF_HOSTS_MAX + 1]; /* names with blanks between, besides those of loopback */
	char page[CONF_PATH_MAX + 1];
};

/* Where a value came from. */
struct conf_origin {
	enum conf_from { CONF_FROM_DEFAULT, CONF_FROM_OPTION, CONF_FROM_FILE } from;
	uint32_t file; /* number of the file among those parsed */
	uint32_t line, column;
};

/* A plain value: copy it, compare it, hand it to another thread. */
struct conf {
	char node_name[CONF_NAME_MAX + 1];
	char node_region[CONF_NAME_MAX + 1];
	char state[CONF_PATH_MAX + 1]; /* a folder; absolute, without a slash at its end */
	enum log_level log_level;
	enum conf_log_format log_format;
	int64_t loop_tick_ns;
	int64_t forecast_cpu_percent;             /* of one core; 0: models do not learn */
	char control_socket[CONF_SOCKET_MAX + 1]; /* where ebbd listens */
	char vold_socket[CONF_SOCKET_MAX + 1];    /* where ebb-vold listens */
	char watch_programs[CONF_WANTED_MAX + 1]; /* as os/wanted.h has it */
	int64_t watch_programs_max;
	struct conf_http http;
	struct conf_origin from[CONF_KEYS];
};

/* One file's bytes, and the name by which messages call it. */
struct conf_file {
	const char *name;
	const char *text;
	size_t len;
};

/*
 * Reads `count` files (none is fine: all defaults) as parts of one configuration; no key may be set
 * twice. `state`, when not NULL, is the programs' --state and wins over the files. Borrows all.
 * 0; -EINVAL with the mistakes in `ret_errors`; -ENOMEM.
 */
int conf_parse(const struct conf_file *files, size_t count, const char *state,
	struct conf *ret_conf, struct conf_errors *ret_errors);

#endif
