/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a point as an NBD export: `snap mount --nbd`, and what a volume fills from.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_SNAP_NBD_H
#define EBB_EBB_SNAP_NBD_H

struct call;
struct image_reader;
struct keep;
struct point;
struct point_server;

int snap_nbd(const struct call *call);

/*
 * Serves it at that address under that name, whenever the keep's loop runs; until a signal stops
 * the loop, or somebody else. Borrows all. An exit code; failures were told.
 */
struct point_served {
	struct keep *keep;
	const struct point *point;
	const char *address, *name;
	/* NULL, or a folder whose owner is to reach the address, too, when root serves there. */
	const char *reached_by;
};
int point_server_open(const struct point_served *what, struct point_server **ret_server);
void point_server_close(struct point_server *server);

/* That it reads by, for use while the loop does not run. */
struct image_reader *point_server_reader(struct point_server *server);

#endif
