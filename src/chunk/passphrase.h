/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a passphrase to a key by Argon2id (RFC 9106): each guess costs whoever holds the place as
 * much time and memory as it cost here.
 *
 * Any thread.
 */
#ifndef EBB_CHUNK_PASSPHRASE_H
#define EBB_CHUNK_PASSPHRASE_H

#include <stddef.h>
#include <stdint.h>

struct clock;
struct why;

struct passphrase_cost {
	uint32_t memory_kib, passes, lanes;
};

enum {
	PASSPHRASE_SALT = 32,
	PASSPHRASE_MAX = 1024, /* bytes */
};

/* The second choice of RFC 9106, section 4: no slot is made with less. */
extern const struct passphrase_cost passphrase_floor;

/* What takes about `target_ns` here: more memory first, then more passes, never below the floor. */
struct passphrase_cost passphrase_measure(struct clock *clock, int64_t target_ns);

/*
 * 0; -EBADMSG: a cost that no slot of ours has and that may be meant to take all memory or time;
 * -ENOMEM: this machine has not so much.
 */
int passphrase_key(const char *passphrase, size_t len, const uint8_t salt[PASSPHRASE_SALT],
	const struct passphrase_cost *cost, uint8_t ret_key[32], struct why *why);

#endif
