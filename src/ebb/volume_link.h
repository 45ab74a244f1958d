/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An NBD export as a file: one connection, one request after the other, the loop turning until each
 * is answered. What is a hole in it is told in ranges.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_VOLUME_LINK_H
#define EBB_EBB_VOLUME_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "nbd/client.h"
#include "os/disk.h"
#include "os/loop.h"
#include "ship/changed.h"
#include "ship/image.h"

struct linux_world;
struct stream;
struct why;
struct world;

struct volume_link {
	struct file file; /* sync is a flush; nothing else of it but reading and writing */
	struct image_ranges data;
	uint64_t size;
	struct linux_world *lw; /* borrowed */
	struct world *world;
	struct stream *stream; /* NULL: gone */
	struct nbd_client *client;
	struct timer patience;
	bool answered, turning;
	int err;
	uint64_t looked_from, looked_to; /* where holes are known */
	VEC(struct changed_range) found; /* what is none, in there */
};

/* It does not move while it is open. `address`: of os/net.h. Filled for volume_link_close(). */
int volume_link_open(struct linux_world *lw, const char *address, const char *name,
	struct volume_link *ret_link, struct why *why);

/* Says farewell, and waits until the server has it. For OWN(), too. */
void volume_link_close(struct volume_link *link);

#endif
