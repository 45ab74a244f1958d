/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program prints: started without a shell, its standard output read to the end. For small
 * answers at a program's start, such as a passphrase.
 *
 * Any thread; calls block until the program ends.
 */
#ifndef EBB_OS_LINUX_CAPTURE_H
#define EBB_OS_LINUX_CAPTURE_H

#include <stddef.h>

struct why;

/*
 * `argv` ends with NULL; argv[0] is looked for in PATH. Its input is empty, its errors go where
 * ours go. Writes what it printed and a NUL. -EFBIG: more than cap - 1 bytes; -ECHILD: it failed.
 */
int capture_output(
	const char *const *argv, char *ret_text, size_t cap, size_t *ret_len, struct why *why);

/* A line typed on the terminal without being shown. -ENOTTY: there is none. */
int capture_hidden(
	const char *prompt, char *ret_text, size_t cap, size_t *ret_len, struct why *why);

#endif
