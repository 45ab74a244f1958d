/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the command socket share. For these only.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_CONTROL_INNER_H
#define EBB_EBB_VOLD_CONTROL_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ebb-vold/control.h"
#include "vol/engine.h"
#include "vol/engine_group.h"
#include "vol/map.h"

struct served;
struct str;
struct talk_server;
struct why;

enum { ACTS = 64 };

/* One that was asked for; its place is used again when it is done and ACTS others came. */
struct asked_act {
	struct engine_act act;
	uint64_t number; /* 0: never used */
	bool done;
	int err;
	struct why why;
	char name[VOL_NAME_MAX];
	struct engine_group group;     /* of volumes that are cut together, */
	struct engine_member *members; /* else NULL */
};

struct control {
	struct control_parts parts;
	struct talk_server *server;
	int64_t started_mono_ns, started_wall_ns;
	uint64_t acts;
	struct asked_act act[ACTS];
};

/* ---- control.c ---- */

/* The volume that argv[1] names; NULL, and the refusal is written. */
struct served *control_find(
	struct control *control, size_t argc, const char *const *argv, struct str *ret_reply);

/* As control_find(), of those that are open. */
struct served *control_find_open(
	struct control *control, size_t argc, const char *const *argv, struct str *ret_reply);

/* "Done", or why not. */
void control_reply(struct str *ret_reply, const char *type, int err, const struct why *why);

/* The whole word is a number, not above `most`. */
bool control_number(const char *word, uint64_t most, uint64_t *ret_number);

/* A place for an act, with its number; NULL, and the refusal is written. */
struct asked_act *control_asked(struct control *control, struct str *ret_reply);

/* It is over. */
void control_done(struct asked_act *asked, int err, const struct why *why);

/* Begins it; the reply says its number. `era` is that of ENGINE_PASSED. */
void control_act(struct control *control, struct served *served, const struct engine_act *act,
	struct str *ret_reply);

/* ---- control_eras.c: verbs ---- */

void verb_changed(void *arg, size_t argc, const char *const *argv, struct str *ret_reply);
void verb_passed(void *arg, size_t argc, const char *const *argv, struct str *ret_reply);
void verb_gone(void *arg, size_t argc, const char *const *argv, struct str *ret_reply);
void verb_group(void *arg, size_t argc, const char *const *argv, struct str *ret_reply);
void verb_pace(void *arg, size_t argc, const char *const *argv, struct str *ret_reply);
void verb_pause(void *arg, size_t argc, const char *const *argv, struct str *ret_reply);
void verb_resume(void *arg, size_t argc, const char *const *argv, struct str *ret_reply);

#endif
