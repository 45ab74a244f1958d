/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exports that clients see: volumes, and their snapshots.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_EXPORTS_H
#define EBB_EBB_VOLD_EXPORTS_H

#include "ebb-vold/contexts.h"
#include "ebb-vold/volumes.h"
#include "nbd/nbd.h"

struct export
{
	struct nbd_export nbd;
	struct served *served;
	uint32_t era; /* of a snapshot; 0: the volume itself */
	struct contexts contexts;
	char name[2 * VOLUME_NAME_MAX + 2];
};

struct exports {
	struct nbd_exports base;
	struct volumes *volumes;
};

/* Borrows the volumes. */
void exports_init(struct exports *exports, struct volumes *volumes);

const struct export *export_of(const struct nbd_export *export);

#endif
