/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files that change as one piece (docs/FORMATS.md, "Whole files"): an identity, a cursor, a
 * setting that the program wrote itself. Readers meet the old content or the new one, never a
 * mixture, and never damage.
 *
 * Calls block. Any thread; one writer at a time for each name.
 */
#ifndef EBB_STORE_WHOLE_H
#define EBB_STORE_WHOLE_H

#include <stddef.h>
#include <stdint.h>

#include "store/head.h"

struct disk;
struct why;

enum { WHOLE_MAX = 16 * 1024 * 1024 };

struct whole {
	struct label label;
	void *bytes;
	size_t len; /* at most WHOLE_MAX */
};

/*
 * Makes `content` (borrowed) what `name` holds, durably. After an error that is none of -ENOMEM,
 * -ENOSPC and -EFBIG (too long), the old or the new content may be there, and the disk is not to
 * be trusted: the caller stops using it. NAME.new beside it is this function's.
 */
int whole_write(struct disk *disk, const char *name, const struct whole *content, struct why *why);

/*
 * Gives the content; whole_done() frees it. `want` is compared as file_head_get() says. -ENOENT:
 * there is no such file; -EBADMSG: damaged or another's; -ENOTSUP: from a newer program.
 */
int whole_read(struct disk *disk, const char *name, const struct label *want,
	struct whole *ret_content, struct why *why);

/*
 * whole_read(), and puts what it gives in place anew, durably, before it answers: for whoever makes
 * promises on top of it. What whole_read() alone gives may be lost with the next crash, when an
 * earlier life wrote it and failed. One writer at a time; errors besides as of whole_write().
 */
int whole_renew(struct disk *disk, const char *name, const struct label *want,
	struct whole *ret_content, struct why *why);

void whole_done(struct whole *content);

#endif
