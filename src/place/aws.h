/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to an object store: keys as the tools of AWS keep them, in a file of profiles.
 *
 * Pure; any thread. Secrets are wiped by aws_keys_done().
 */
#ifndef EBB_PLACE_AWS_H
#define EBB_PLACE_AWS_H

struct why;

enum { AWS_KEY = 256, AWS_TOKEN = 4096 };

struct aws_keys {
	char access_key[AWS_KEY], secret_key[AWS_KEY];
	char token[AWS_TOKEN]; /* of a session; "" without one */
};

/* One value, checked: printable and not too long. -EINVAL. */
enum aws_value { AWS_ACCESS_KEY, AWS_SECRET_KEY, AWS_SESSION_TOKEN };
int aws_keys_set(struct aws_keys *keys, enum aws_value which, const char *value, struct why *why);

/* The keys of `profile` in the text of a credentials file. -ENOENT, -EINVAL. */
int aws_keys_read(
	const char *text, const char *profile, struct aws_keys *ret_keys, struct why *why);

/* For OWN(). */
void aws_keys_done(struct aws_keys *keys);

#endif
