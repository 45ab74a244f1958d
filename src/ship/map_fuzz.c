/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes of maps as a hostile repository may hold them: any bytes are refused, or give a node whose
 * numbers lie within its tables, and that is written and read back the same. The first half may be
 * a base, the second its patch.
 */
#include <stdint.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "ship/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_slot(const struct map_node *node, const struct map_slot *slot)
{
	must(!slot->summed || (slot->present && slot->list < node->lists.len));
	for (unsigned i = 0; slot->overlay && i < MAP_BLOCKS; i++) {
		uint16_t from = slot->overlay->from[i];
		must(from < MAP_SOURCE || from - MAP_SOURCE < (int)node->sources.len);
		must(slot->overlay->at[i] < MAP_BLOCKS);
	}
}

static unsigned lists_used(const struct map_node *node)
{
	bool used[2 * MAP_LISTS_MAX + 1] = {false};
	unsigned count = 0;
	for (unsigned i = 0; i < MAP_FAN; i++) {
		if (node->slots[i].summed && !used[node->slots[i].list]) {
			used[node->slots[i].list] = true;
			count++;
		}
	}
	return count;
}

static void write_again(const struct map_node *node)
{
	OWN(out_done) struct fields_out out = {0}, again = {0};
	OWN(map_node_free_own) struct map_node *whole = map_node_dup(node);
	OWN(map_node_free_own) struct map_node *back = map_node_new(node->level, node->first);
	must(whole && back);
	whole->based = false;
	must(map_encode(whole, &out) == 0);
	must(map_decode(out.at, out.len, back, NULL) == 0);
	must(map_encode(back, &again) == 0);
	must(out.len == again.len && memcmp(out.at, again.at, out.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct digest base;
	if (len < 2)
		return 0;
	size_t first = data[1] ? (size_t)data[1] * (len - 2) / 256 : 0;
	OWN(map_node_free_own) struct map_node *node = map_node_new(data[0] % 2, 0);
	must(node);
	if (first && !map_is_patch(data + 2, first, &base) &&
		map_decode(data + 2, first, node, NULL))
		return 0;
	if (map_decode(data + 2 + first, len - 2 - first, node, NULL))
		return 0;
	for (unsigned i = 0; i < MAP_FAN; i++)
		check_slot(node, &node->slots[i]);
	if (lists_used(node) <= MAP_LISTS_MAX)
		write_again(node);
	return 0;
}
