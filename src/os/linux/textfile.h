/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator wrote: small files anywhere, read whole, links followed. For the programs
 * at their start; what belongs to ebb itself lies on the disk of os/disk.h.
 *
 * Any thread; calls block.
 */
#ifndef EBB_OS_LINUX_TEXTFILE_H
#define EBB_OS_LINUX_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>

struct why;

/*
 * Gives all bytes of a file, or of a pipe or terminal to its end; a NUL stands behind them.
 * -EFBIG when there are more than `max`, -EISDIR, -ENOENT ... with the whole sentence in `why`.
 */
int textfile_read(const char *path, size_t max, char **ret_text, size_t *ret_len, struct why *why);

/* Names in a folder, in no order; `fn` answers false to stop. -ENOENT, -ENOTDIR ... as above. */
int textfile_list(
	const char *folder, bool (*fn)(void *arg, const char *name), void *arg, struct why *why);

#endif
