/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be protected, the section `protect` of the configuration:
 *
 *     protect:
 *       home:                        # what the resource is called
 *         path: /home
 *         to: /mnt/backup/ebb
 *         key_file: /etc/ebb/home.key
 *         rpo: 24h
 *         forbid: weekdays 08:00-18:00
 *
 * Instead of a path a volume of ebb-vold (`volume: db`) or a server of PostgreSQL (`postgres:
 * host=...`).
 *
 * Any thread.
 */
#ifndef EBB_CONF_PROTECT_H
#define EBB_CONF_PROTECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "conf/conf.h"
#include "conf/hours.h"
#include "conf/watched.h"

struct json_t;
struct str;

enum { CONF_DISK_MAX = 31, CONF_PROTECTED_MAX = 64 };

/* A plain value. */
struct conf_protect {
	char name[CONF_NAME_MAX + 1];
	/* One of these, the others are "". */
	char path[CONF_PATH_MAX + 1];     /* a folder, a plain file or a block device */
	char volume[CONF_NAME_MAX + 1];   /* of ebb-vold */
	char postgres[CONF_DSN_MAX + 1];  /* how the server is reached; points are called pg/NAME */
	char to[CONF_PATH_MAX + 1];       /* the repository's URL or folder */
	char key_file[CONF_PATH_MAX + 1]; /* "": none was named */
	int64_t rpo_ns;                   /* a point is never older than this */
	int64_t best_rpo_ns;              /* when it costs next to nothing, one this often */
	int64_t impact_percent;           /* by which requests of others may wait longer */
	int64_t impact_floor_ns;          /* and up to so long they may wait in any case */
	char disk[CONF_DISK_MAX + 1];     /* whose load counts; "auto": the busiest */
	/* As said, and what follows: hours in which nothing may run, or not faster. */
	char allow[CONF_HOURS_TEXT + 1], forbid[CONF_HOURS_TEXT + 1], limit[CONF_HOURS_TEXT + 1];
	struct conf_hours hours[CONF_HOURS_MAX];
	uint32_t hours_count;
};

/* What is saved, in a word: a path, vol/NAME or pg/NAME. */
enum { CONF_SOURCE_TEXT = CONF_PATH_MAX + 1 };
const char *conf_protect_source(const struct conf_protect *how, char text[CONF_SOURCE_TEXT]);

struct conf_protects {
	VEC(struct conf_protect) list; /* in the order of the files */
};

/*
 * Reads the section of all files; what conf_parse() tells of their syntax is not told again. 0;
 * -EINVAL with the mistakes added to `errors`; -ENOMEM.
 */
int conf_protects_read(const struct conf_file *files, size_t count, struct conf_protects *ret,
	struct conf_errors *errors);

/* For OWN(). */
void conf_protects_done(struct conf_protects *protects);

/* Adds the section as it would be written; nothing when there is none. */
void conf_protects_show(const struct conf_protects *protects, struct str *text);

/* An array of them in JSON; NULL: no memory. */
struct json_t *conf_protects_json(const struct conf_protects *protects);

/* Adds a commented-out example with every key. */
void conf_protects_sample(struct str *text);

#endif
