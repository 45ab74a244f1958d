/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state folder. First start: node.id (log not made) -> node.log with boot 1 -> node.id (log
 * made). A crash between any two of these leads into the same steps again; afterwards a missing
 * node.log is a loss, not a first start.
 */
#include "node/state.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/own.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/world.h"
#include "store/journal.h"
#include "store/lock.h"
#include "store/whole.h"

/* node.id: when the node came to be (i64, wall time in ns), then 1 once node.log was made (u64). */
enum { ID_SIZE = 16, ID_WALL = 0, ID_LOG_MADE = 8 };

static const struct label id_label = {.kind = "NODE", .version = 1};
static const struct label log_label = {.kind = "LIFE", .version = 1};

static int take_lock(struct state *state, struct why *why)
{
	int err = store_lock(state->world->disk, "node", &state->lock, why);
	if (err == -EWOULDBLOCK)
		return why_set(why, err, "another ebbd is running on this state folder");
	return err;
}

static int write_id(struct state *state, bool log_made, struct why *why)
{
	uint8_t bytes[ID_SIZE];
	put_le64(bytes + ID_WALL, (uint64_t)state->created_wall_ns);
	put_le64(bytes + ID_LOG_MADE, log_made);
	struct whole content = {.label = id_label, .bytes = bytes, .len = sizeof(bytes)};
	memcpy(content.label.identity, state->identity, IDENTITY_SIZE);
	return whole_write(state->world->disk, "node.id", &content, why);
}

static int read_id(struct state *state, bool *ret_log_made, struct why *why)
{
	OWN(whole_done) struct whole content = {0};
	int err = whole_renew(state->world->disk, "node.id", &id_label, &content, why);
	if (err)
		return err;
	if (content.len != ID_SIZE)
		return why_set(
			why, -EBADMSG, "node.id: %zu bytes instead of %d", content.len, ID_SIZE);
	const uint8_t *bytes = content.bytes;
	state->created_wall_ns = (int64_t)get_le64(bytes + ID_WALL);
	memcpy(state->identity, content.label.identity, IDENTITY_SIZE);
	*ret_log_made = get_le64(bytes + ID_LOG_MADE) != 0;
	return 0;
}

static int read_or_make_id(struct state *state, bool *ret_log_made, struct why *why)
{
	int err = read_id(state, ret_log_made, why);
	if (err != -ENOENT)
		return err;
	state->created_wall_ns = clock_wall_ns(state->world->clock);
	dice_fill(state->world->dice, state->identity, sizeof(state->identity));
	*ret_log_made = false;
	return write_id(state, false, why);
}

static int on_record(void *arg, const struct journal_record *record, struct why *why)
{
	struct state *state = arg;
	struct life_record said;
	int err = life_record_get(record->kind, record->bytes, record->len, &said, why);
	if (!err)
		err = life_add(&state->life, &said, why);
	return err ? why_prefix(why, err, "node.log: record %" PRIu64, record->sequence) : 0;
}

static int open_log(struct state *state, bool log_made, struct why *why)
{
	struct journal_options options = {
		.disk = state->world->disk,
		.name = "node.log",
		.label = log_label,
		.create = !log_made,
	};
	memcpy(options.label.identity, state->identity, IDENTITY_SIZE);
	int err = journal_open(&options, on_record, state, &state->log, why);
	if (err == -ENOENT)
		return why_set(why, -EBADMSG,
			"node.log is gone: without it boot numbers would begin anew; bring it "
			"back, or "
			"start with another state folder");
	state->before = state->life;
	return err ? err : journal_check(state->log, why);
}

static int append(struct journal *log, const struct life_record *record, struct why *why)
{
	uint8_t bytes[LIFE_RECORD];
	life_record_put(record, bytes);
	return journal_append(log, (uint16_t)record->kind, bytes, sizeof(bytes), why);
}

/* Writes one record down durably; the first failure ends all writing. */
static int note(struct state *state, struct life_record *record)
{
	if (state->failed)
		return -EIO;
	record->wall_ns = clock_wall_ns(state->world->clock);
	int err = append(state->log, record, &state->failure);
	if (!err)
		err = journal_sync(state->log, &state->failure);
	if (err) {
		state->failed = true;
		return err;
	}
	err = life_add(&state->life, record, NULL);
	must(err == 0);
	/* What it has just made durable stands, but may be the last. */
	state->failed = journal_check(state->log, &state->failure) != 0;
	return 0;
}

static int note_boot(struct state *state, const char *version)
{
	struct life_record record = {.kind = LIFE_BOOT, .number = state->life.boot + 1};
	memcpy(record.version, version, strnlen(version, LIFE_VERSION - 1));
	return note(state, &record);
}

int state_open(struct world *world, const char *version, struct state *ret_state, struct why *why)
{
	OWN(state_drop) struct state state = {.world = world};
	bool log_made;
	int err = take_lock(&state, why);
	if (!err)
		err = read_or_make_id(&state, &log_made, why);
	if (!err)
		err = open_log(&state, log_made, why);
	if (err)
		return err;
	err = note_boot(&state, version);
	if (err)
		return why_set(why, err, "this boot cannot be recorded: %s", state.failure.text);
	if (!log_made)
		err = write_id(&state, true, why);
	if (err)
		return err;
	*ret_state = state;
	state = (struct state){0};
	return 0;
}

int state_config(struct state *state, uint64_t hash)
{
	if (hash == state->life.config)
		return 0;
	return note(state, &(struct life_record){.kind = LIFE_CONFIG, .number = hash});
}

/* What node.log shall hold: all that its records add up to while a boot is under way. */
static int fill(void *arg, struct journal *to, struct why *why)
{
	const struct life *life = arg;
	struct life_record boot = {
		.kind = LIFE_BOOT, .wall_ns = life->boot_wall_ns, .number = life->boot};
	struct life_record config = {
		.kind = LIFE_CONFIG, .wall_ns = life->config_wall_ns, .number = life->config};
	memcpy(boot.version, life->version, LIFE_VERSION);
	int err = append(to, &boot, why);
	return err || !life->config ? err : append(to, &config, why);
}

int state_settle(struct state *state)
{
	if (state->failed || journal_facts(state->log).size <= STATE_LOG_BOUND)
		return 0;
	int err = journal_rewrite(state->log, fill, &state->life, NULL);
	state->failed = journal_check(state->log, &state->failure) != 0;
	return err;
}

int state_close(struct state *state, struct why *why)
{
	int err = note(
		state, &(struct life_record){.kind = LIFE_CLOSE, .number = state->life.boot});
	if (err)
		why_set(why, err, "%s", state->failure.text);
	state_drop(state);
	return err;
}

void state_drop(struct state *state)
{
	journal_close(state->log);
	file_close(state->lock);
	*state = (struct state){0};
}
