/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof of an image that was just saved: what its point has that its parent has not is read
 * back from the repository and held against the source, which has not changed since.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SHIP_IMAGE_PROVE_H
#define EBB_SHIP_IMAGE_PROVE_H

#include <stdint.h>

struct file;
struct pace;
struct point;
struct repo;
struct why;

/* All borrowed. */
struct image_proof {
	const struct point *parent; /* NULL: all that is no hole is read */
	const struct point *point;
	struct file *file; /* what it was made of */
	struct pace *pace; /* of reading that; NULL: none */
};

/*
 * What of the source cannot be read is passed over. -EBADMSG: the point is not what the source is;
 * else an error of the repository.
 */
int image_prove(
	struct repo *repo, const struct image_proof *what, uint64_t *ret_bytes, struct why *why);

#endif
