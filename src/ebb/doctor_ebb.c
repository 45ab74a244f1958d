/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration, state, programs, and what is protected. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/daemon.h"
#include "ebb/doctor.h"
#include "ebb/exit.h"
#include "ebb/open_place.h"
#include "ebb/vold.h"

static void look_at_state(struct doctor *doctor, const struct conf *conf)
{
	struct stat about;
	if (stat(conf->state, &about) < 0) {
		doctor_add(doctor, "ebb", errno == ENOENT ? FINDING_NOTE : FINDING_WRONG,
			conf->state, "the state folder: %s",
			errno == ENOENT ? "ebbd will make it" : strerrordesc_np(errno));
		return;
	}
	bool ours = access(conf->state, W_OK | X_OK) == 0;
	doctor_add(doctor, "ebb", ours ? FINDING_GOOD : FINDING_NOTE, conf->state,
		"the state folder%s", ours ? "" : ", which this user cannot write to");
}

/* ---- what runs ---- */

static void look_at_resource(struct doctor *doctor, const json_t *one)
{
	const char *name = json_string_value(json_object_get(one, "name"));
	const json_t *plan = json_object_get(one, "plan");
	json_int_t failures = json_integer_value(json_object_get(one, "failures"));
	const char *newest = json_string_value(json_object_get(one, "newest_point"));
	/* The first point is late from the start. */
	bool late = newest && json_is_true(json_object_get(plan, "will_miss"));
	if (!name)
		return;
	bool wrong = failures || late;
	doctor_add(doctor, "protected", wrong ? FINDING_WRONG : FINDING_GOOD, name,
		"newest point %s%s", newest ? newest : "none yet",
		late ? "; it will be late whatever is done" : "");
	if (failures)
		doctor_todo(doctor, "its last %lld jobs failed: `ebb job ls %s`, and ebbd's log",
			(long long)failures, name);
	else if (late)
		doctor_todo(doctor, "`ebb job why %s` says what holds it up", name);
}

static void look_at_brain(struct doctor *doctor, const struct conf *conf)
{
	const char *const words[] = {"status"};
	OWN(json_own) json_t *status = NULL;
	const json_t *one;
	size_t i;
	if (daemon_look(doctor->call, words, 1, &status)) {
		doctor_add(doctor, "ebb", FINDING_NOTE, "ebbd", "does not answer at %s",
			conf->control_socket);
		doctor_todo(doctor, "systemctl start ebbd, or for a first look: ebb demo");
		return;
	}
	const char *degraded = json_string_value(json_object_get(status, "degraded"));
	const char *jobs = json_string_value(json_object_get(status, "jobs_error"));
	const char *wrong = degraded ? degraded : jobs;
	doctor_add(doctor, "ebb", wrong ? FINDING_WRONG : FINDING_GOOD, "ebbd", "%s",
		wrong ? wrong : "answers, and is well");
	json_array_foreach (json_object_get(status, "protected"), i, one)
		look_at_resource(doctor, one);
}

static void look_at_vold(struct doctor *doctor)
{
	OWN(vold_done) struct vold vold = {0};
	const char *const words[] = {"status"};
	int code = vold_find(doctor->call, &vold);
	vold.quiet = true;
	if (!code)
		code = vold_ask(&vold, words, 1);
	doctor_add(doctor, "ebb", code ? FINDING_NOTE : FINDING_GOOD, "ebb-vold", "%s",
		code ? "does not answer: only volumes need it" : "answers");
}

/* ---- what is declared ---- */

static void look_at_key(struct doctor *doctor, const struct conf_protect *how)
{
	struct stat about;
	if (!*how->key_file)
		return;
	if (stat(how->key_file, &about) < 0) {
		doctor_add(doctor, "protected", FINDING_WRONG, how->name, "its key %s: %s",
			how->key_file, strerrordesc_np(errno));
		doctor_todo(doctor, "without it nobody reads %s; a recovery sheet is a key, too",
			how->to);
	} else if (about.st_mode & (S_IRWXG | S_IRWXO)) {
		doctor_add(doctor, "protected", FINDING_WRONG, how->name,
			"its key %s can be read by others", how->key_file);
		doctor_todo(doctor, "chmod 600 '%s'", how->key_file);
	}
}

/* A disk that dies takes both. */
static void look_at_disks(struct doctor *doctor, const struct conf_protect *how)
{
	struct stat source, place;
	if (!*how->path || stat(how->path, &source) < 0 || stat(how->to, &place) < 0 ||
		!S_ISDIR(source.st_mode) || source.st_dev != place.st_dev)
		return;
	doctor_add(doctor, "protected", FINDING_NOTE, how->name,
		"%s and its repository lie on the same file system", how->path);
	doctor_todo(doctor, "add another place: ebb repo init --repo URL --like %s", how->to);
}

static void look_at_declared(struct doctor *doctor, const struct conf_protect *how)
{
	struct why why;
	bool there = false;
	if (*how->path && access(how->path, F_OK) < 0) {
		doctor_add(doctor, "protected", FINDING_WRONG, how->name, "%s: %s", how->path,
			strerrordesc_np(errno));
		doctor_todo(doctor, "mend the path, or take it out of the configuration");
	}
	int err = open_place_look(doctor->call, how->to, &there, &why);
	if (err) {
		doctor_add(doctor, "protected", FINDING_WRONG, how->name, "%s", why.text);
		doctor_todo(doctor, "its place must be reached before a point can be made");
	} else if (!there) {
		doctor_add(doctor, "protected", FINDING_WRONG, how->name, "no repository at %s",
			how->to);
		doctor_todo(doctor, "ebb repo init --repo '%s' --key-file '%s'", how->to,
			how->key_file);
	}
	look_at_key(doctor, how);
	look_at_disks(doctor, how);
}

void doctor_ebb(struct doctor *doctor)
{
	OWN(config_done) struct config config = {0};
	struct config_source source;
	if (config_choose(doctor->call, &source))
		return;
	if (config_read(&source, &config)) {
		doctor_add(doctor, "ebb", FINDING_WRONG, source.path,
			"the configuration is refused, as told above");
		doctor_todo(doctor, "ebb config check %s", source.path);
		return;
	}
	if (config.files.list.len) {
		doctor_add(doctor, "ebb", FINDING_GOOD, source.path,
			"the configuration is right; %zu resources are protected",
			config.protects.list.len);
	} else {
		doctor_add(doctor, "ebb", FINDING_NOTE, source.path,
			"there is no configuration: all defaults, and nothing is protected");
		doctor_todo(
			doctor, "ebb doctor --propose > ebb.yaml, or ebb protect PATH --to DIR");
	}
	look_at_state(doctor, &config.conf);
	look_at_vold(doctor);
	look_at_brain(doctor, &config.conf);
	vec_each (how, &config.protects.list)
		look_at_declared(doctor, how);
}
