/* SPDX-License-Identifier: Apache-2.0 */
/* The verb that cuts several volumes at once. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "ebb-vold/control_inner.h"
#include "ebb-vold/volumes.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/world.h"
#include "talk/reply.h"

static void on_group(struct engine_group *group, int err, const struct why *why)
{
	control_done(container_of(group, struct asked_act, group), err, why);
}

/* The volumes of argv[2] and on; false, and the refusal is written. */
static bool find_members(struct control *control, size_t argc, const char *const *argv,
	struct engine_member *members, struct str *ret_reply)
{
	for (size_t i = 2; i < argc; i++) {
		const char *const words[] = {argv[0], argv[i]};
		struct served *served = control_find_open(control, 2, words, ret_reply);
		if (!served)
			return false;
		members[i - 2].engine = served->engine;
		if (served->fill) {
			talk_reply_refuse(ret_reply, TALK_GUARDED,
				"volume %s fills: a snapshot of it would miss what is not there "
				"yet",
				served->name);
			return false;
		}
		for (size_t n = 2; n < i; n++)
			if (strcmp(argv[n], argv[i]) == 0) {
				talk_reply_refuse(ret_reply, TALK_USAGE, "volume %s is named twice",
					served->name);
				return false;
			}
	}
	return true;
}

static void begin(struct control *control, const char *name, struct engine_member *members,
	size_t count, struct str *ret_reply)
{
	const struct world *world = control->parts.world;
	struct asked_act *asked = control_asked(control, ret_reply);
	if (!asked) {
		free(members);
		return;
	}
	uint64_t id = 0;
	while (!id)
		dice_fill(world->dice, &id, sizeof(id));
	memcpy(asked->name, name, strlen(name) + 1);
	asked->members = members;
	asked->group = (struct engine_group){.members = members,
		.count = count,
		.name = asked->name,
		.at_ns = clock_wall_ns(world->clock),
		.id = id,
		.done = on_group};
	json_int_t number = (json_int_t)asked->number;
	engine_group_cut(&asked->group);
	talk_reply_ok(ret_reply, json_pack("{s:s,s:I}", "type", "act", "number", number));
}

void verb_group(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	if (argc < 3 || !*argv[1] || strlen(argv[1]) >= VOL_NAME_MAX) {
		talk_reply_refuse(ret_reply, TALK_USAGE,
			"group wants the name of a snapshot, below %d bytes, and volumes",
			VOL_NAME_MAX);
		return;
	}
	struct engine_member *members = calloc(argc - 2, sizeof(*members));
	if (!members)
		talk_reply_refuse(ret_reply, TALK_FAILED, "no memory");
	else if (find_members(arg, argc, argv, members, ret_reply))
		begin(arg, argv[1], members, argc - 2, ret_reply);
	else
		free(members);
}
