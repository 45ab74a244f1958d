/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first minute. Nothing of it is done by this file: forecasts and ways to decide are those of
 * `model backtest` and `simulate`, and everything else is what ebb-vold, ebbd and other calls of
 * ebb do.
 */
#include "ebb/demo.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "conf/show.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "ebb/keep.h"
#include "os/disk.h"
#include "os/linux/disk.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"

#define VOLUME "tide"

enum { VOLUME_MIB = 16, BLOCKS = VOLUME_MIB * 256, WIDE = 60, FEW = 30 };

/* What a watcher sees pass by. */
static const double quick_cycle_s = 2, quick_most = 240;
/* What goes on afterwards, for as long as it stays: a few MiB an hour in the repository. */
static const double calm_cycle_s = 60, calm_most = 8;

static const int64_t frame_ns = 70 * NS_PER_MS, stroke_ns = 50 * NS_PER_MS;
static const int64_t patience_ns = 30 * NS_PER_SEC;

/* ---- one state folder ---- */

static int make_state(struct demo *demo)
{
	const struct call *call = demo->call;
	const char *given = call->args.values[OPTION_STATE];
	char absolute[KEEP_PATH];
	if (!given) {
		int code = session_make_state(call, "demo", demo->state);
		demo->made = code == EXIT_OK;
		return code;
	}
	if (!keep_absolute(call, given, absolute) || strlen(absolute) > CONF_PATH_MAX)
		return call_fail(EXIT_USAGE, "--state: the path is too long");
	snprintf(demo->state, sizeof(demo->state), "%.*s", CONF_PATH_MAX, absolute);
	if (mkdir(demo->state, 0700) == 0)
		demo->made = true;
	else if (errno == EEXIST)
		return call_fail(EXIT_GUARDED,
			"%s is there already, and a demo wants a new folder; one that was kept "
			"goes on by `ebb run --config '%s/ebb.yaml'`",
			demo->state, demo->state);
	else
		return call_fail(EXIT_FAILED, "%s: %s", demo->state, strerrordesc_np(errno));
	return EXIT_OK;
}

static int write_config(struct demo *demo)
{
	OWN(str_done) struct str text = {0};
	OWN(linux_disk_done) struct linux_disk disk = {0};
	OWN(file_close_own) struct file *file = NULL;
	struct why why = {"no memory"};
	str_add(&text,
		"# Written by `ebb demo`.\nnode: {name: demo}\nloop: {tick: 1s}\n"
		"# Any port that is free, of this machine alone.\n"
		"http: {listen: \"127.0.0.1:0\"}\nstate: ");
	conf_show_text(demo->state, &text);
	str_add(&text, "\n");
	int err = str_error(&text);
	if (!err)
		err = linux_disk_init(&disk, demo->state, &why);
	if (!err)
		err = disk_open(&disk.base, "ebb.yaml", FILE_WRITE | FILE_CREATE, &file);
	if (!err)
		err = file_write_full(file, str_text(&text), text.len, 0);
	return err ? call_fail(EXIT_FAILED, "%s/ebb.yaml: %s", demo->state, strerrordesc_np(-err))
		   : EXIT_OK;
}

static void on_say(
	struct session *session, const char *event, const char *program, const char *sentence)
{
	struct demo *demo = session->arg;
	json_t *facts = demo->json ? json_pack("{s:s*,s:s}", "program", program, "text", sentence)
				   : NULL;
	demo_say(demo, event, facts, "\n%s\n", sentence);
}

static void on_up(struct session *session)
{
	loop_stop(session->world->loop);
}

/* Everything that lies in the state folder, by name. */
struct places {
	char config[CONF_PATH_MAX + 16], repo[CONF_PATH_MAX + 16];
	char vold_log[CONF_PATH_MAX + 16], ebbd_log[CONF_PATH_MAX + 16];
	char lines[6][CONF_PATH_MAX + 40];
};

/* Programs find all they need there, whatever the caller's environment says. */
static void name_places(const char *state, struct places *ret, const char *environment[])
{
	static const char *const names[] = {"EBB_CONFIG", "EBB_REPO", "EBB_KEY_FILE",
		"STATE_DIRECTORY", "CACHE_DIRECTORY", "TMPDIR"};
	static const char *const values[] = {"/ebb.yaml", "/repo", "/repo.key", "", "/cache", ""};
	enum { COUNT = sizeof(names) / sizeof(*names) };
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(ret->lines[i], sizeof(ret->lines[i]), "%s=%s%s", names[i], state,
			values[i]);
		environment[i] = ret->lines[i];
	}
	environment[COUNT] = NULL;
	snprintf(ret->config, sizeof(ret->config), "%s/ebb.yaml", state);
	snprintf(ret->repo, sizeof(ret->repo), "%s/repo", state);
	snprintf(ret->vold_log, sizeof(ret->vold_log), "%s/ebb-vold.log", state);
	snprintf(ret->ebbd_log, sizeof(ret->ebbd_log), "%s/ebbd.log", state);
}

static int begin(struct demo *demo, struct places *places)
{
	const char *environment[8];
	struct session *session = &demo->session;
	int code = make_state(demo);
	if (!code)
		code = write_config(demo);
	if (code)
		return code;
	name_places(demo->state, places, environment);
	session->source = (struct config_source){.path = places->config};
	code = config_read(&session->source, &session->config);
	if (!code)
		code = session_open(session, environment);
	if (code)
		return code;
	demo_say(demo, "begin", json_pack("{s:s}", "state", demo->state),
		"ebb %s, the first minute. All of it lies in %s,\nlistens on this machine alone, "
		"and %s.\n\n",
		EBB_VERSION, demo->state,
		args_given(&demo->call->args, OPTION_KEEP) ? "stays there"
							   : "is gone after Ctrl-C");
	session->children[SESSION_VOLD].log = places->vold_log;
	session->children[SESSION_BRAIN].log = places->ebbd_log;
	session_start(session);
	return EXIT_OK;
}

/* ---- when ---- */

/* Draws over what was drawn before. */
static void show_day(struct demo *demo, const struct week_day *day, bool again)
{
	OWN(str_done) struct str text = {0};
	char date[32];
	if (again)
		str_addf(&text, "\033[%dA", WEEK_LINES + 2);
	str_addf(&text, "   %-16s forecast at midnight %s  and what came %s\033[K\n",
		week_date(day, date), demo->look.letters ? "::" : "\u2591\u2591",
		demo->look.letters ? "o" : "\u25cf");
	week_chart(day, &demo->look, &text);
	if (!demo->call->terminal) {
		char *escape = strstr(text.at ? text.at : "", "\033[K");
		if (escape)
			memmove(escape, escape + 3, strlen(escape + 3) + 1);
	}
	call_print(&text);
}

/* The days pass by where that can be drawn; elsewhere the last one stands. */
static bool show_days(struct demo *demo)
{
	const struct week *week = &demo->week;
	bool drawn = false;
	for (size_t d = 0; d + 1 < week->count && demo->call->terminal; d++) {
		if (!week->days[d].said)
			continue;
		show_day(demo, &week->days[d], drawn);
		drawn = true;
		if (!demo_wait(demo, frame_ns))
			return false;
	}
	show_day(demo, &week->days[week->count - 1], drawn);
	return true;
}

/* The first and the last day of which something was said. */
static void find_widths(const struct week *week, double *ret_first, double *ret_last)
{
	*ret_first = *ret_last = (double)NAN;
	for (size_t d = 0; d < week->count; d++) {
		if (!week->days[d].said)
			continue;
		if (isnan(*ret_first))
			*ret_first = week->days[d].width;
		*ret_last = week->days[d].width;
	}
}

static void show_ways(struct demo *demo)
{
	static const char *const names[WEEK_WAYS] = {"02:00", "feedback", "ebb", "knowing"};
	const struct week *week = &demo->week;
	OWN(str_done) struct str text = {0};
	double first, last;
	find_widths(week, &first, &last);
	str_addf(&text,
		"   The band in which 8 of 10 hours fall: %.0f %% of the disk wide at first, %.0f "
		"%% now.\n   A backup that reads 5 %% of the disk's day; when it works, and the "
		"waiting it adds to others:\n",
		first, last);
	for (enum week_way way = 0; way < WEEK_WAYS; way++) {
		str_addf(&text, "%8s |", names[way]);
		week_strip(week, way, &demo->look, &text);
		str_addf(&text, "| %.3g\n", week->harm[way]);
	}
	str_addf(&text,
		"   The mean of %zu days. `ebb` decides as ebbd does; `knowing` has seen the day "
		"before it comes.\n\n",
		week->jobs);
	call_print(&text);
}

static int show_when(struct demo *demo)
{
	const char *data = demo->call->args.values[OPTION_DATA];
	if (!data && demo->call->data_env && *demo->call->data_env)
		data = demo->call->data_env;
	int code = week_live(demo->call, data, &demo->week);
	if (code)
		return code;
	if (demo->json) {
		demo_say(demo, "week", week_json(&demo->week), "%s", "");
		return EXIT_OK;
	}
	demo_say(demo, "week", NULL, "1. WHEN   %s, day by day\n",
		*demo->week.source ? demo->week.source
				   : "a month of an office server's disk, generated");
	if (show_days(demo))
		show_ways(demo);
	return EXIT_OK;
}

/* ---- a volume, and its client ---- */

static int wait_until_up(struct demo *demo)
{
	for (int64_t waited = 0; !demo->session.told && waited < 60 * NS_PER_SEC;
		waited += frame_ns)
		if (!demo_wait(demo, frame_ns))
			return demo->session.code;
	return demo->session.told ? EXIT_OK
				  : call_fail(EXIT_FAILED, "ebb-vold or ebbd does not answer");
}

static void start_writer(struct demo *demo)
{
	snprintf(demo->address, sizeof(demo->address), "unix:%s/nbd.sock", demo->state);
	demo->writer = (struct writer){.world = demo->session.world,
		.address = demo->address,
		.name = VOLUME,
		.blocks = BLOCKS,
		.cycle_s = quick_cycle_s,
		.most = quick_most};
	writer_start(&demo->writer);
}

/* More than a cycle goes by, stroke by stroke; nobody looks where it is JSON. */
static bool watch_writes(struct demo *demo)
{
	static const char *const letters[] = {"_", ".", "-", "=", "#"};
	static const char *const pictures[] = {"\u2581", "\u2582", "\u2583", "\u2585", "\u2587"};
	enum { STEPS = 5 };
	double per_step = quick_most * (double)stroke_ns / (double)NS_PER_SEC / STEPS;
	uint64_t before = 0;
	for (int i = 0; i < (demo->json ? FEW : WIDE); i++) {
		if (!demo_wait(demo, stroke_ns))
			return false;
		int step = (int)((double)(demo->writer.done - before) / per_step);
		before = demo->writer.done;
		if (demo->json)
			continue;
		OWN(str_done) struct str text = {0};
		step = step < STEPS ? step : STEPS - 1;
		str_add(&text, (demo->look.letters ? letters : pictures)[step]);
		call_print(&text);
	}
	return demo->writer.done > 0 ||
		!call_fail(0, "the client of the volume cannot write to %s", demo->address);
}

static int make_volume(struct demo *demo)
{
	static const char size[] = "16MiB";
	static const char *const create[] = {"volume", "create", VOLUME, size, NULL};
	static const char *const init[] = {"repo", "init", "--json", NULL};
	OWN(json_own) json_t *made = NULL;
	json_t *none = NULL;
	int code = demo_run(demo, create, &none);
	json_decref(none);
	if (code)
		return code < 0 ? demo->session.code
				: call_fail(EXIT_FAILED, "`ebb volume create`: %s", demo->said);
	code = demo_must(demo, init, &made);
	if (!code)
		start_writer(demo);
	return code;
}

/* ---- out and back ---- */

static int show_point(struct demo *demo, uint64_t *ret_before)
{
	static const char *const words[] = {"protect", "vol/" VOLUME, "--json", NULL};
	OWN(json_own) json_t *point = NULL;
	*ret_before = demo->writer.done;
	int code = demo_must(demo, words, &point);
	if (code)
		return code;
	json_int_t written = json_integer_value(json_object_get(point, "written_bytes"));
	json_t *facts = json_pack("{s:O,s:f,s:I,s:I,s:I}", "point", point, "seconds", demo->took_s,
		"acknowledged_before", (json_int_t)*ret_before, "begun_after",
		(json_int_t)demo->writer.begun, "written", written);
	demo_say(demo, "point", facts,
		"\n   ebb protect vol/" VOLUME
		"       %5.2f s   cut, shipped and read back: %s; %" PRIu64 " writes meanwhile\n",
		demo->took_s, BYTES((uint64_t)written), demo->writer.done - *ret_before);
	return EXIT_OK;
}

static int compare(struct demo *demo, uint64_t before)
{
	char wanted[DEMO_HASH] = "", came[DEMO_HASH] = "";
	uint64_t writes = 0;
	int err = demo_count_writes(demo, "back.img", &writes);
	if (!err)
		err = demo_hash_writes(writes, BLOCKS, wanted);
	if (!err)
		err = demo_hash_file(demo, "back.img", came);
	if (err)
		return call_fail(
			EXIT_FAILED, "%s/back.img: %s", demo->state, strerrordesc_np(-err));
	bool equal = strcmp(wanted, came) == 0 && writes >= before;
	demo_say(demo, "restored",
		json_pack("{s:s,s:f,s:I,s:s,s:s,s:b}", "file", "back.img", "seconds", demo->took_s,
			"writes", (json_int_t)writes, "written_sha256", wanted, "restored_sha256",
			came, "equal", equal),
		"   ebb restore vol/" VOLUME "@latest %3.2f s   sha256 of what %" PRIu64
		" writes made  %.24s\n%31s sha256 of what came back        %.24s  %s\n",
		demo->took_s, writes, wanted, "", came, equal ? "equal" : "NOT EQUAL");
	return equal ? EXIT_OK : EXIT_DAMAGED;
}

static int show_live(struct demo *demo)
{
	OWN(json_own) json_t *restored = NULL;
	char target[CONF_PATH_MAX + 16];
	const char *const words[] = {"restore", "vol/" VOLUME "@latest", target, "--json", NULL};
	uint64_t before;
	int code = make_volume(demo);
	if (!code && !demo->json)
		demo_say(demo, "volume", NULL,
			"2. LIVE   vol/" VOLUME ", %d MiB, is served over NBD by ebb-vold. A "
			"client's writes:\n   ",
			VOLUME_MIB);
	if (!code && !watch_writes(demo))
		code = demo->session.stopping ? demo->session.code : EXIT_FAILED;
	if (!code)
		code = show_point(demo, &before);
	snprintf(target, sizeof(target), "%s/back.img", demo->state);
	if (!code)
		code = demo_must(demo, words, &restored);
	return code ? code : compare(demo, before);
}

/* ---- damage ---- */

static int count_of(const json_t *answer, const char *key)
{
	return (int)json_integer_value(json_object_get(answer, key));
}

/* Found by one who only looks. */
static int find_damage(struct demo *demo)
{
	static const char *const words[] = {"verify", "--json", NULL};
	OWN(json_own) json_t *answer = NULL;
	int code = demo_run(demo, words, &answer);
	if (code < 0)
		return demo->session.code;
	demo_say(demo, "found",
		json_pack("{s:i,s:f,s:s,s:O?}", "code", code, "seconds", demo->took_s, "said",
			demo->said, "verify", answer),
		"   ebb verify                  %.2f s   %s\n", demo->took_s,
		strncmp(demo->said, "ebb: ", 5) == 0 ? demo->said + 5 : demo->said);
	return code == EXIT_DAMAGED
		? EXIT_OK
		: call_fail(EXIT_FAILED, "`ebb verify` ended with code %d: it saw no damage", code);
}

static int mend(struct demo *demo, const struct demo_flip *flip, const char *whole)
{
	static const char *const words[] = {"verify", "--repair", "--json", NULL};
	OWN(json_own) json_t *answer = NULL;
	char after[DEMO_HASH] = "";
	int code = demo_must(demo, words, &answer);
	if (code)
		return code;
	int err = demo_hash_file(demo, flip->name, after);
	if (err)
		return call_fail(EXIT_FAILED, "%s: %s", flip->name, strerrordesc_np(-err));
	bool equal = strcmp(whole, after) == 0;
	demo_say(demo, "mended",
		json_pack("{s:f,s:i,s:s,s:s,s:b}", "seconds", demo->took_s, "mended",
			count_of(answer, "mended"), "before_sha256", whole, "after_sha256", after,
			"equal", equal),
		"   ebb verify --repair         %.2f s   mended by parity; the pack's sha256 is "
		"%.16s as before: %s\n\n",
		demo->took_s, after, equal ? "yes" : "NO");
	return equal && count_of(answer, "mended") == 1 ? EXIT_OK : EXIT_DAMAGED;
}

static int show_damage(struct demo *demo)
{
	struct demo_flip flip = {0};
	char whole[DEMO_HASH] = "";
	int err = demo_flip(demo, &flip, whole);
	if (err)
		return call_fail(
			EXIT_FAILED, "%s/%s: %s", demo->state, flip.name, strerrordesc_np(-err));
	demo_say(demo, "flipped",
		json_pack("{s:s,s:I,s:i,s:i,s:s}", "file", flip.name, "at", (json_int_t)flip.at,
			"was", flip.was, "is", flip.is, "before_sha256", whole),
		"3. DAMAGE byte %" PRIu64 " of %s: 0x%02x becomes 0x%02x\n", flip.at, flip.name,
		flip.was, flip.is);
	int code = find_damage(demo);
	return code ? code : mend(demo, &flip, whole);
}

/* ---- from now on ---- */

static void say_protected(struct demo *demo, const json_t *status, const json_t *one)
{
	const json_t *host = json_object_get(status, "host");
	const json_t *disk = json_object_get(host, "busiest_disk");
	const char *name = json_string_value(json_object_get(disk, "name"));
	demo_say(demo, "protected", json_pack("{s:O,s:O?}", "resource", one, "host", host),
		"4. ON     ebbd looks at this machine each second (cpu %.0f %%, disk %s %.0f %%) "
		"and keeps vol/" VOLUME
		":\n   its first point is made and read back; more come in valleys, one in 30 "
		"minutes at least.\n",
		100 * json_number_value(json_object_get(host, "cpu_share")), name ? name : "none",
		100 * json_number_value(json_object_get(disk, "busy_share")));
}

/* The first point that ebbd made by itself. */
static int wait_for_point(struct demo *demo)
{
	static const char *const words[] = {"status", "--json", NULL};
	for (int64_t waited = 0; waited < patience_ns; waited += 10 * frame_ns) {
		OWN(json_own) json_t *status = NULL;
		int code = demo_must(demo, words, &status);
		if (code)
			return code;
		const json_t *one = json_array_get(json_object_get(status, "protected"), 0);
		if (json_is_string(json_object_get(one, "newest_point"))) {
			say_protected(demo, status, one);
			return EXIT_OK;
		}
		if (!demo_wait(demo, 10 * frame_ns))
			return demo->session.code;
	}
	return call_fail(EXIT_FAILED, "ebbd made no point of vol/" VOLUME " in %d s",
		(int)(patience_ns / NS_PER_SEC));
}

static int go_on(struct demo *demo, const struct places *places)
{
	const char *const words[] = {
		"protect", "vol/" VOLUME, "--to", places->repo, "--rpo", "30m", "--json", NULL};
	OWN(json_own) json_t *declared = NULL;
	demo->writer.cycle_s = calm_cycle_s;
	demo->writer.most = calm_most;
	int code = demo_must(demo, words, &declared);
	return code ? code : wait_for_point(demo);
}

/* The page comes last: it is what a terminal makes a link of. */
static int show_next(struct demo *demo)
{
	static const char *const words[] = {"status", "--json", NULL};
	OWN(json_own) json_t *status = NULL;
	char ebb[CALL_PATH + 8];
	const char *state = demo->state;
	bool installed = access("/usr/bin/ebb", X_OK) == 0;
	int code = demo_must(demo, words, &status);
	if (code)
		return code;
	const char *url = json_string_value(json_object_get(status, "url"));
	snprintf(ebb, sizeof(ebb), installed ? "ebb" : "%s/ebb", demo->call->program_folder);
	demo_say(demo, "ready",
		json_pack("{s:s,s:s,s:s?}", "state", state, "program", ebb, "url", url),
		"\nIt goes on until Ctrl-C. In another terminal:\n"
		"  %s status --state %s\n"
		"  %s job why " VOLUME " --state %s\n"
		"  %s protect ~/Documents --to ~/ebb-backup --state %s\n%s%s\n",
		ebb, state, ebb, state, ebb, state, url ? "The page: " : "", url ? url : "");
	return EXIT_OK;
}

static int play(struct demo *demo, struct places *places)
{
	int code = begin(demo, places);
	if (!code)
		code = show_when(demo);
	if (!code && !demo->session.stopping)
		code = wait_until_up(demo);
	if (!code && !demo->session.stopping)
		code = show_live(demo);
	if (!code && !demo->session.stopping)
		code = show_damage(demo);
	if (!code && !demo->session.stopping)
		code = go_on(demo, places);
	if (!code && !demo->session.stopping)
		code = show_next(demo);
	return code;
}

/* ---- the end ---- */

static int end(struct demo *demo, int code)
{
	bool keep = args_given(&demo->call->args, OPTION_KEEP);
	writer_stop(&demo->writer);
	if (demo->session.lw) {
		session_stop(&demo->session, code);
		while (!session_is_down(&demo->session))
			linux_run(demo->session.lw);
	}
	code = code ? code : demo->session.code;
	session_done(&demo->session);
	int err = demo->made && !keep ? folders_remove(demo->state) : 0;
	if (err)
		return call_fail(EXIT_FAILED, "%s: what is left of it: %s", demo->state,
			strerrordesc_np(-err));
	if (demo->made)
		demo_say(demo, "ended", json_pack("{s:b,s:s}", "kept", keep, "state", demo->state),
			keep ? "ended; `ebb run --config '%s/ebb.yaml'` goes on with it\n"
			     : "ended; %s is gone\n",
			demo->state);
	return code;
}

int call_demo(const struct call *call)
{
	OWN(own_free) struct demo *demo = calloc(1, sizeof(*demo));
	struct places places; /* names that go on being used until the end */
	if (!demo)
		return call_fail(EXIT_FAILED, "no memory");
	*demo = (struct demo){
		.call = call,
		.json = args_given(&call->args, OPTION_JSON),
		.look = {.letters = call->letters, .color = call->color},
		.session = {.call = call, .say = on_say, .on_up = on_up, .arg = demo},
	};
	int code = play(demo, &places);
	if (!code && !args_given(&call->args, OPTION_EXIT))
		while (!demo->session.stopping)
			linux_run(demo->session.lw);
	return end(demo, code);
}
