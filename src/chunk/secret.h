/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret of 32 bytes as people keep it: digits that cannot be taken for one another, in groups,
 * with check digits. FORMATS-REPOSITORY.md, "Repo and key slots", has the form.
 *
 * Any thread.
 */
#ifndef EBB_CHUNK_SECRET_H
#define EBB_CHUNK_SECRET_H

#include <stdint.h>

struct why;

enum {
	SECRET_SIZE = 32,
	SECRET_TEXT = 80, /* "ebb1-" and 14 groups of four with dashes, and NUL */
};

/* A secret as people keep it, and back: -EINVAL says which digit group is wrong. */
int secret_show(const uint8_t secret[SECRET_SIZE], char text[SECRET_TEXT]);
int secret_read(const char *text, uint8_t ret_secret[SECRET_SIZE], struct why *why);

/* The first secret that stands in a text of whatever else, such as a recovery sheet. */
int secret_find(const char *text, uint8_t ret_secret[SECRET_SIZE], struct why *why);

#endif
