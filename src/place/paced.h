/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in front of another: what goes to it and comes from it keeps a pace.
 *
 * As place.h.
 */
#ifndef EBB_PLACE_PACED_H
#define EBB_PLACE_PACED_H

struct pace;
struct place;

/* Borrows both. Gives the place; closing it leaves the inner one open. 0 or -ENOMEM. */
int place_paced_open(struct place *inner, struct pace *pace, struct place **ret_place);

#endif
