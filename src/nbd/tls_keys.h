/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that are shared with clients, as GnuTLS's psktool writes them: a line for each, NAME:HEX.
 * Empty lines and those that begin with # are passed over. For this room only.
 *
 * Any thread may look for one.
 */
#ifndef EBB_NBD_TLS_KEYS_H
#define EBB_NBD_TLS_KEYS_H

#include <stddef.h>
#include <stdint.h>

struct why;

enum { PSK_NAME_MAX = 128, PSK_MIN = 16, PSK_MAX = 64 };

struct tls_key {
	char name[PSK_NAME_MAX + 1];
	uint8_t len;
	uint8_t bytes[PSK_MAX];
};

/* All zero: none. */
struct tls_keys {
	struct tls_key *at;
	size_t count;
};

/* -EINVAL with the line that is wrong, -ENOMEM. */
int tls_keys_read(const char *text, struct tls_keys *ret_keys, struct why *why);
void tls_keys_done(struct tls_keys *keys);

/* The key of that name: how long it is; 0: none has it, or it is longer than `most`. */
size_t tls_keys_find(const struct tls_keys *keys, const char *name, uint8_t *ret_key, size_t most);

#endif
