/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shelf: a model as bytes, to be kept across restarts and to travel inside a snapshot, so that
 * what is restored elsewhere can be provisioned from what was known of it.
 *
 *     offset length
 *          0      8  magic "ebbmodel"
 *          8      4  version, 1
 *         12      4  length of the payload
 *         16      8  checksum: XXH3-64 of the payload, seeded with the version
 *         24         payload: the fields below in order, little-endian, floats and doubles as IEEE
 * bits
 *
 * Payload: first and next hour, refits, poisoned, late (8 bytes each), flags (4: started, negative,
 * fitted), the open hour's sum and count; the hours in order, oldest first; the smoothers' shares;
 * the phases' count (4), starts, moves, means and deviations, for six states each;
 * tallies of errors and regrets; residuals with their guards, row by row in ring order; the shown
 * record. Words that wait for their day are left behind: they are said again by the next refit.
 *
 * A reader checks length, version, checksum and then every field: whatever the bytes, it gives a
 * model that makes sane forecasts or an error.
 *
 * Any thread.
 */
#ifndef EBB_MODEL_SHELF_H
#define EBB_MODEL_SHELF_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

struct why;

enum { SHELF_HEAD = 24, SHELF_MAX = 64 * 1024 };

/* Writes the model; returns how many bytes, at most SHELF_MAX. `ret` holds SHELF_MAX bytes. */
size_t shelf_write(const struct model *model, uint8_t *ret);

/* Reads one. 0, or -EINVAL (not a model, damaged), -EPROTO (a newer version). *ret is untouched on
 * failure. */
int shelf_read(const uint8_t *bytes, size_t len, struct model *ret, struct why *why);

#endif
