/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much room the folders have in which repositories lie, as the series ebb_tier_size_bytes and
 * ebb_tier_free_bytes. They are asked by a worker, once a minute: a file system of the net may
 * not answer for ever.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBBD_TIERS_H
#define EBB_EBBD_TIERS_H

struct conf_protects;
struct tiers;
struct watch;
struct world;

/* Gives it; borrows the world. NULL: no memory. */
struct tiers *tiers_new(struct world *world);

/* Takes it, when the world has no worker any more; NULL is allowed. */
void tiers_free(struct tiers *tiers);

/* Which they are from now on. */
void tiers_set(struct tiers *tiers, const struct conf_protects *protects);

/* In a turn: puts what is known, and asks anew when it is time. */
void tiers_observe(struct tiers *tiers, struct watch *watch);

#endif
