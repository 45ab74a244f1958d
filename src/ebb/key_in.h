/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opens a repository, from where a call says: --key-file, --password-command, $EBB_KEY_FILE,
 * $EBB_PASSWORD_FILE, in this order; and new keys, to where it says. Never from the words of a
 * command line nor from the environment itself: others see those.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_KEY_IN_H
#define EBB_EBB_KEY_IN_H

#include <stdint.h>

#include "repo/slot.h"

struct call;
struct keep;

/* Points into itself: it does not move once it is filled. */
struct key_in {
	struct unlock unlock;
	uint8_t secret[SECRET_SIZE];
	char passphrase[PASSPHRASE_MAX + 2];
};

/* Wipes it. For OWN(). */
void key_in_done(struct key_in *in);

/* An exit code; failures were told. */
int key_in_read(const struct call *call, struct key_in *ret_in);

/* Whether a passphrase is what the call names, and no key file. */
bool key_in_is_passphrase(const struct call *call);

/* A new passphrase: --new-password-file, else asked for twice at the terminal. */
int key_in_read_new(const struct call *call, struct key_in *ret_in);

/*
 * A new file of mode 0600 with this text, durable. EXIT_GUARDED when there is one of that name
 * already; failures were told.
 */
int key_out_write(struct keep *keep, const char *path, const char *text);

/* Removes it again when what it opens did not come into being. */
void key_out_remove(struct keep *keep, const char *path);

#endif
