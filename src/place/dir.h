/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in a folder: a local disk, NFS, a mounted tape. Every object is a file of its name.
 *
 * An object appears under its name only when all of it is durable: written beside, synced, renamed,
 * the folder synced. A crash leaves at most files that end in ".new", which no list shows
 * and place_sweep() removes: one that a writer has locked is not left.
 *
 * The first failed sync of a folder stops it: what was there is read on, but whatever would change
 * it answers -EIO until the place is opened anew.
 */
#ifndef EBB_PLACE_DIR_H
#define EBB_PLACE_DIR_H

struct disk;
struct place;

/* Borrows the disk, whose root is the folder. Gives the place. 0 or -ENOMEM. */
int place_dir_open(struct disk *disk, struct place **ret_place);

#endif
