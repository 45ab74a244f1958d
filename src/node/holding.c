/* SPDX-License-Identifier: Apache-2.0 */
/* What people hold; and what users of volumes feel, as the program hears it. */
#include <errno.h>
#include <jansson.h>

#include "act/act.h"
#include "base/why.h"
#include "node/document.h"
#include "node/inside.h"

void node_volume(struct node *node, const char *volume, const struct act_answers *now)
{
	if (node->act)
		act_volume(node->act, volume, now);
}

static int hold(struct node *node, const char *name, bool held, json_t **ret, struct why *why)
{
	int err = node->act ? act_hold(node->act, name, held, why)
			    : why_set(why, -ENOENT, "nothing is protected here");
	if (!err)
		*ret = json_pack("{s:s}", "type", held ? "pause" : "resume");
	return err;
}

int node_pause(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	return hold(node, ask->name, true, ret, why);
}

int node_resume(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	return hold(node, ask->name, false, ret, why);
}
