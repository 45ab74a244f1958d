/* SPDX-License-Identifier: Apache-2.0 */
/* A node's dice: seeded, and going on from life to life, so that no identity comes twice. */
#include "base/container.h"
#include "sim/parts.h"

static void node_dice_fill(struct dice *dice, void *bytes, size_t len)
{
	rng_fill(&container_of(dice, struct node_dice, base)->rng, bytes, len);
}

static const struct dice_ops node_dice_ops = {.fill = node_dice_fill};

void node_dice_init(struct node_dice *dice, const struct sim_node *node)
{
	dice->base.ops = &node_dice_ops;
	seed_rng(node->sim, &dice->rng, USE_NODE_DICE, node->number);
}
