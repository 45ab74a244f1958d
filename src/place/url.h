/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How people name a place: a path, or a URL.
 *
 *     /mnt/backup/ebb   backup/ebb   file:///mnt/backup/ebb
 *
 * Pure; any thread.
 */
#ifndef EBB_PLACE_URL_H
#define EBB_PLACE_URL_H

struct why;

enum place_kind { PLACE_DIR = 1 };

enum { PLACE_PATH = 1024 };

struct place_url {
	enum place_kind kind;
	char path[PLACE_PATH]; /* of a folder; relative ones only when no URL was given */
};

/* -EINVAL and a sentence that says what is wrong and what is known. */
int place_url_read(const char *text, struct place_url *ret_url, struct why *why);

#endif
