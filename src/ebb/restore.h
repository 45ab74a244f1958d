/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of points that `restore` brings back.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_RESTORE_H
#define EBB_EBB_RESTORE_H

struct call;
struct keep;
struct point;

/* An image, into the call's TARGET. An exit code. */
int restore_image_point(const struct call *call, struct keep *keep, const struct point *point);

/* Into the new volume that --to names. */
int restore_to_volume(const struct call *call, struct keep *keep, const struct point *point);

#endif
