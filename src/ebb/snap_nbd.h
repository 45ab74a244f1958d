/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `snap mount --nbd`.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_SNAP_NBD_H
#define EBB_EBB_SNAP_NBD_H

struct call;

/* An exit code. */
int snap_nbd(const struct call *call);

#endif
