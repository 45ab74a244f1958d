/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What writing and reading segments share: the file's head, and its checksums.
 *
 * Any thread.
 */
#ifndef EBB_SERIES_SEGMENT_INNER_H
#define EBB_SERIES_SEGMENT_INNER_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "os/disk.h"
#include "series/segment.h"

enum { PAGE_HEAD = 16, PAGE_ENTRY = 32 };

static inline struct head segment_head(const uint8_t *identity)
{
	struct head head = {.magic = "ebbserie", .label = {.kind = "SEGM", .version = 1}};
	memcpy(head.label.identity, identity, IDENTITY_SIZE);
	return head;
}

/* A page's number is in it, and counts. */
static inline uint64_t page_checksum(const uint8_t *page, uint64_t seed)
{
	return hash64(page + 8, SEGMENT_PAGE - 8, seed);
}

static inline uint64_t foot_checksum(const uint8_t *foot, uint64_t seed)
{
	return hash64(foot + 8, SEGMENT_FOOT - 8, seed);
}

#endif
