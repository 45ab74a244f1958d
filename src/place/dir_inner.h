/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the dir place share: the open place, and the names of files that are no object
 * yet. For this room only.
 *
 * Several threads at once.
 */
#ifndef EBB_PLACE_DIR_INNER_H
#define EBB_PLACE_DIR_INNER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "place/place.h"
#include "place/under_way.h"

struct disk;

enum { DIR_NAME = 128 };

struct dir_place {
	struct place place;
	struct disk *disk;
	pthread_mutex_t mutex;  /* of all below but `newly` */
	struct map durable;     /* folders whose names this process has synced */
	struct under_way way;   /* objects that are being written */
	uint64_t tickets, turn; /* they begin in the order in which they came */
	pthread_cond_t moved;   /* on the way */
	bool stopped;           /* a folder's sync has failed */
	pthread_mutex_t newly;  /* held while something new is put */
};

struct dir_place *dir_of(struct place *place);

/* The folder that holds `name`: "data/3f" of "data/3f/3f..", "." of "repo". */
void dir_parent(const char *name, char parent[DIR_NAME]);

/* Makes the names in a folder durable. Also fails when another thread's sync did meanwhile. */
int dir_sync_names(struct dir_place *dir, const char *folder);

/* Makes the folder and those above it, durable. */
int dir_ensure_folder(struct dir_place *dir, const char *folder);

/*
 * An object that is being written lies in a file of its writer's own beside its name:
 * "NAME.LENGTH-NUMBER.new". So its length tells whether it is there to the last byte. False: the
 * name does not fit.
 */
bool dir_fresh_name(const char *name, size_t len, unsigned number, char fresh[DIR_NAME]);

/* Whether that is the name of such a file, whoever made it. */
bool dir_is_fresh(const char *name);

/* What dir_fresh_name() was given. False: it is none of its names. */
bool dir_read_fresh(const char *fresh, char ret_name[DIR_NAME], uint64_t *ret_len);

int dir_sweep(struct place *place);
int dir_take_up(struct place *place, const char *folder, const struct place_whole *whole);

#endif
