/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places that are saved to are probed, one after the other, each every ten minutes: `ebb repo
 * probe` runs as a child and leaves its answer in the state folder, from where the next turn takes
 * it.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "act/act.h"
#include "base/own.h"
#include "base/units.h"
#include "node/inside.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/world.h"

#define EVERY_NS (10 * NS_PER_MIN)
#define LONGEST_NS (2 * NS_PER_MIN)

enum { ANSWER_MAX = 4096 };

static const char answer_file[] = "probe";

/* The place of that number; NULL: there are fewer, or it stood before. */
static const char *place_at(const struct node *node, size_t i)
{
	const char *to = act_keeper(node->act, i)->how.to;
	for (size_t before = 0; before < i; before++)
		if (strcmp(act_keeper(node->act, before)->how.to, to) == 0)
			return NULL;
	return to;
}

static double number(const json_t *answer, const char *key)
{
	const json_t *value = json_object_get(answer, key);
	return json_is_number(value) ? json_number_value(value) : -1;
}

/* What the child left. False: nothing that can be read. */
static bool read_answer(struct node *node, struct watch_tier *tier)
{
	char text[ANSWER_MAX];
	struct file *file;
	if (disk_open(node->world->disk, answer_file, FILE_READ, &file))
		return false;
	ssize_t len = file_read_at(file, text, sizeof(text), 0);
	file_close(file);
	json_t *answer = len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;
	tier->reached = answer;
	tier->latency_s = number(answer, "latency_seconds");
	tier->writes = number(answer, "write_bytes_per_second");
	tier->reads = number(answer, "read_bytes_per_second");
	tier->size_bytes = number(answer, "size_bytes");
	tier->free_bytes = number(answer, "free_bytes");
	json_decref(answer);
	return tier->reached;
}

static void on_exit_(struct proc *proc, int status)
{
	struct node *node = proc->arg;
	struct probing *probing = &node->probing;
	probing->tier = (struct watch_tier){probing->place, false, .latency_s = -1, -1, -1, -1, -1};
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		read_answer(node, &probing->tier);
	disk_unlink(node->world->disk, answer_file);
	probing->fresh = true;
	proc_close(TAKE(probing->proc));
}

static void start(struct node *node, const char *place)
{
	struct probing *probing = &node->probing;
	char into[CONF_PATH_MAX + sizeof(answer_file) + 1];
	snprintf(into, sizeof(into), "%s/%s", node->conf.state, answer_file);
	const char *const argv[] = {"ebb", "repo", "probe", "--repo", place, "--into", into, NULL};
	const struct proc_spec spec = {.program = node->options.ebb,
		.argv = argv,
		.env = node->options.env,
		.apart = true};
	snprintf(probing->place, sizeof(probing->place), "%s", place);
	if (procs_start(node->world->procs, &spec, &probing->proc, NULL))
		return;
	probing->proc->on_exit = on_exit_;
	probing->proc->arg = node;
}

void probing_turn(struct node *node)
{
	struct probing *probing = &node->probing;
	int64_t now_ns = clock_mono_ns(node->world->clock);
	if (!node->act || node->state.failed || probing->fresh)
		return;
	if (probing->proc) {
		if (now_ns > probing->began_ns + LONGEST_NS)
			proc_signal(probing->proc, SIGKILL);
		return;
	}
	if (probing->next >= act_count(node->act)) {
		if (now_ns < probing->due_ns)
			return;
		probing->next = 0;
		probing->due_ns = now_ns + EVERY_NS;
	}
	while (!probing->proc && probing->next < act_count(node->act)) {
		const char *place = place_at(node, probing->next++);
		probing->began_ns = now_ns;
		if (place)
			start(node, place);
	}
}

void probing_put(struct node *node)
{
	struct probing *probing = &node->probing;
	if (probing->fresh)
		watch_tier(&node->past.watch, &probing->tier);
	probing->fresh = false;
}

void probing_end(struct node *node)
{
	if (node->probing.proc)
		proc_signal(node->probing.proc, SIGKILL);
	proc_close(TAKE(node->probing.proc));
}
