/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. Rows of one noun stand together. */
#include "ebb/command.h"

#include <stdio.h>
#include <string.h>

#include "ebb/call.h"

#define ONE(id) ((unsigned __int128)1 << (id))
#define COMMON (ONE(OPTION_HELP) | ONE(OPTION_NO_COLOR))
#define PLACES (ONE(OPTION_CONFIG) | ONE(OPTION_STATE))
#define REPOSITORY \
	(ONE(OPTION_REPO) | ONE(OPTION_KEY_FILE) | ONE(OPTION_PASSWORD_COMMAND) | ONE(OPTION_JSON))
#define HOOKS \
	(ONE(OPTION_BEFORE) | ONE(OPTION_AFTER) | ONE(OPTION_HOOK_ARG) | ONE(OPTION_HOOK_TIMEOUT))
#define READER (REPOSITORY | ONE(OPTION_GENERATION) | ONE(OPTION_ALSO))

_Static_assert(OPTIONS <= 128, "a command's options are bits of one number");

const struct option options[OPTIONS] = {
	[OPTION_CONFIG] = {"config", 0, VALUE_FILE, "FILE",
		"the configuration to go by, instead of $EBB_CONFIG or /etc/ebb/ebb.yaml"},
	[OPTION_STATE] = {"state", 0, VALUE_FOLDER, "DIR",
		"the state folder, whatever the configuration says"},
	[OPTION_EXIT] = {"exit", 0, VALUE_NONE, NULL,
		"end after the first status instead of staying"},
	[OPTION_REPO] = {"repo", 0, VALUE_FOLDER, "URL",
		"where the repository is, a path or a URL, instead of $EBB_REPO"},
	[OPTION_ALSO] = {"also", 0, VALUE_FOLDER, "URL",
		"another place of the same data, made by `repo init --like`; may be repeated",
		true},
	[OPTION_LIKE] = {"like", 0, VALUE_FOLDER, "URL",
		"take the keys of this repository, so that the new one is its twin"},
	[OPTION_PACK_SIZE] = {"pack-size", 0, VALUE_TEXT, "SIZE",
		"of the objects that content is gathered in, 1MiB to 128MiB; 16MiB unless said, "
		"and 64MiB in a bucket whose data-class is a cold one"},
	[OPTION_LOCK] = {"lock", 0, VALUE_TEXT, "DURATION",
		"nobody may remove what the point needs for so long: 30d; where a place can"},
	[OPTION_ALL] = {"all", 0, VALUE_NONE, NULL,
		"points that are older than the newest one there, too"},
	[OPTION_KEY_FILE] = {"key-file", 0, VALUE_FILE, "FILE",
		"the file with its key, instead of $EBB_KEY_FILE"},
	[OPTION_PASSWORD_COMMAND] = {"password-command", 0, VALUE_TEXT, "COMMAND",
		"a program that prints the passphrase; spaces part its words, no shell sees it"},
	[OPTION_PASSPHRASE] = {"passphrase", 0, VALUE_NONE, NULL, "a key that is a passphrase"},
	[OPTION_SECRET] = {"secret", 0, VALUE_NONE, NULL, "a key in a file; the default"},
	[OPTION_RECOVERY] = {"recovery", 0, VALUE_NONE, NULL,
		"a key on a sheet to print, with what is needed to restore by it"},
	[OPTION_WRITE_ONLY] = {"write-only", 0, VALUE_NONE, NULL,
		"a key in a file that may add backups and read nothing"},
	[OPTION_LABEL] = {"label", 0, VALUE_TEXT, "WORDS", "whose or what for the new key is"},
	[OPTION_NEW_KEY_FILE] = {"new-key-file", 0, VALUE_FILE, "FILE",
		"the new file that the new key is written to"},
	[OPTION_NEW_PASSWORD_FILE] = {"new-password-file", 0, VALUE_FILE, "FILE",
		"a file with the new passphrase, instead of asking for it"},
	[OPTION_GENERATION] = {"generation", 0, VALUE_TEXT, "N",
		"refuse a repository that is older than this: it was rolled back"},
	[OPTION_EXCLUDE] = {"exclude", 0, VALUE_TEXT, "PATTERN",
		"leave out what matches, as a line of .gitignore does; may be repeated", true},
	[OPTION_EXCLUDE_CACHES] = {"exclude-caches", 0, VALUE_NONE, NULL,
		"of a folder with a CACHEDIR.TAG save the tag alone"},
	[OPTION_EXCLUDE_FILE] = {"exclude-file", 0, VALUE_FILE, "FILE",
		"such patterns, one a line; may be repeated", true},
	[OPTION_ONE_FILE_SYSTEM] = {"one-file-system", 0, VALUE_NONE, NULL,
		"stay on the file system of PATH"},
	[OPTION_FULL] = {"full", 0, VALUE_NONE, NULL,
		"read everything again, also what has not changed"},
	[OPTION_DIFFERENTIAL] = {"differential", 0, VALUE_NONE, NULL,
		"build on the newest full point, not on the newest one; without one it is full"},
	[OPTION_CHANGED] = {"changed", 0, VALUE_FILE, "FILE",
		"what changed in an image since its newest point: lines OFFSET,LENGTH in bytes, "
		"perhaps behind a line `since POINT`; nothing else is read"},
	[OPTION_CHECK_CHANGED] = {"check-changed", 0, VALUE_NONE, NULL,
		"read everything all the same, and tell what --changed, or ebb-vold, misses"},
	[OPTION_FOLD] = {"fold", 0, VALUE_NONE, NULL,
		"store parts of an image whole that blocks of several runs lie over"},
	[OPTION_STDIN] = {"stdin", 0, VALUE_NONE, NULL, "save standard input instead of a PATH"},
	[OPTION_STDIN_NAME] = {"stdin-name", 0, VALUE_TEXT, "NAME",
		"what the stream is called, and its file in the point"},
	[OPTION_COMMAND] = {"command", 0, VALUE_NONE, NULL,
		"save what a program writes: --command -- PROGRAM ARGUMENTS"},
	[OPTION_STDOUT] = {"stdout", 0, VALUE_NONE, NULL,
		"write one file of the point to standard output"},
	[OPTION_POSTGRES] = {"postgres", 0, VALUE_TEXT, "SERVER",
		"save a PostgreSQL server: a connection string, or the name of a service"},
	[OPTION_NAME] = {"name", 0, VALUE_TEXT, "NAME",
		"what a PostgreSQL cluster, or what is protected, is called"},
	[OPTION_TIMELINE] = {"timeline", 0, VALUE_TEXT, "N",
		"of pg/NAME@TIME: the timeline to follow instead of the newest"},
	[OPTION_TABLESPACES] = {"tablespaces", 0, VALUE_FOLDER, "DIR",
		"where tablespaces go instead of TARGET.tablespaces"},
	[OPTION_BEFORE] = {"before", 0, VALUE_FILE, "PROGRAM",
		"run it before; when it fails, nothing is saved; may be repeated", true},
	[OPTION_AFTER] = {"after", 0, VALUE_FILE, "PROGRAM",
		"run it after, however the backup ended; may be repeated", true},
	[OPTION_HOOK_ARG] = {"hook-arg", 0, VALUE_TEXT, "TEXT",
		"an argument for the --before or --after that stands before it", true},
	[OPTION_HOOK_TIMEOUT] = {"hook-timeout", 0, VALUE_TEXT, "TIME",
		"how long each of them may take, 5m unless said"},
	[OPTION_LIMIT] = {"limit", 0, VALUE_TEXT, "RATE",
		"read the source, and use the place, no faster than this: 20MiB/s"},
	[OPTION_LIMIT_FILE] = {"limit-file", 0, VALUE_FILE, "FILE",
		"the same from the first line of a file, by which it may be changed meanwhile; "
		"`none` is allowed"},
	[OPTION_PRICE] = {"price", 0, VALUE_TEXT, "PRICE",
		"with --dry-run: what the place costs, 0.0036/GiB-month, 0.05/GiB or "
		"0.005/1000-puts; may be repeated",
		true},
	[OPTION_PROGRESS] = {"progress", 0, VALUE_TEXT, "HOW",
		"auto, tty, plain, json or none; SIGUSR1 asks for a line at any time"},
	[OPTION_PATH] = {"path", 0, VALUE_TEXT, "PATH", "only this path within the point"},
	[OPTION_NO_OWNER] = {"no-owner", 0, VALUE_NONE, NULL,
		"leave the owners of files as they fall"},
	[OPTION_IN_PLACE] = {"in-place", 0, VALUE_NONE, NULL,
		"onto what is there: a folder (its own when no TARGET is given), or the "
		"file or device of an image, of which only what differs is written"},
	[OPTION_DELETE] = {"delete", 0, VALUE_NONE, NULL,
		"with --in-place: remove what the point does not have; asks first"},
	[OPTION_NBD] = {"nbd", 0, VALUE_TEXT, "ADDRESS",
		"serve the image of POINT as a network block device at unix:PATH"},
	[OPTION_TO] = {"to", 0, VALUE_TEXT, "WHERE",
		"of restore: a new volume of ebb-vold, vol/NAME, instead of TARGET; of protect: "
		"the repository for points of PATH, a folder or URL"},
	[OPTION_SERVE] = {"serve", 0, VALUE_NONE, NULL,
		"with --to: the volume is served at once, and fills meanwhile"},
	[OPTION_REPAIR] = {"repair", 0, VALUE_NONE, NULL,
		"make whole what can be, and go on without what cannot"},
	[OPTION_FROM] = {"from", 0, VALUE_TEXT, "URL",
		"another repository of the same key, for what parity does not mend"},
	[OPTION_SAMPLE] = {"sample", 0, VALUE_TEXT, "PERCENT",
		"read so much of it, least recently proved first: 5%"},
	[OPTION_NEW] = {"new", 0, VALUE_NONE, NULL,
		"read only what was never read back on this machine"},
	[OPTION_CALENDAR] = {"calendar", 0, VALUE_TEXT, "TEXT",
		"days that are not as others, as in the configuration: month-end x3; sun "
		"02:00-06:00 x0"},
	[OPTION_INTO] = {"into", 0, VALUE_FILE, "FILE",
		"write the answer there, as JSON, instead of showing it"},
	[OPTION_LISTED] = {"listed", 0, VALUE_NONE, NULL,
		"open no pack whose length an index tells: hold it against the listing"},
	[OPTION_REBUILD] = {"rebuild", 0, VALUE_NONE, NULL,
		"make anew what the rest tells: damaged indexes, and the catalog"},
	[OPTION_FOR] = {"for", 0, VALUE_TEXT, "DURATION",
		"read for so long, least recently proved first: 10m"},
	[OPTION_RESOURCE] = {"resource", 0, VALUE_TEXT, "NAME",
		"only points of this resource, by its name or its last components"},
	[OPTION_HOST] = {"host", 0, VALUE_TEXT, "NAME", "only what is of this host"},
	[OPTION_SINCE] = {"since", 0, VALUE_TEXT, "MOMENT",
		"only what is from then on: 2026-11-21, 2026-11-21T02:10 ..., in UTC"},
	[OPTION_UNTIL] = {"until", 0, VALUE_TEXT, "MOMENT", "only what is up to the end of it"},
	[OPTION_KEEP_LAST] = {"keep-last", 0, VALUE_TEXT, "N", "the newest N points stay"},
	[OPTION_KEEP_HOURLY] = {"keep-hourly", 0, VALUE_TEXT, "N",
		"of each of the last N hours that have points the newest one stays"},
	[OPTION_KEEP_DAILY] = {"keep-daily", 0, VALUE_TEXT, "N", "the same of days"},
	[OPTION_KEEP_WEEKLY] = {"keep-weekly", 0, VALUE_TEXT, "N",
		"the same of weeks, which begin on Monday"},
	[OPTION_KEEP_MONTHLY] = {"keep-monthly", 0, VALUE_TEXT, "N", "the same of months"},
	[OPTION_KEEP_YEARLY] = {"keep-yearly", 0, VALUE_TEXT, "N", "the same of years"},
	[OPTION_KEEP_WITHIN] = {"keep-within", 0, VALUE_TEXT, "DURATION",
		"all that are at most so much older than the newest one stay: 30d, 12h"},
	[OPTION_UTC] = {"utc", 0, VALUE_NONE, NULL, "days begin in UTC, not in local time"},
	[OPTION_SOAK] = {"soak", 0, VALUE_TEXT, "DURATION",
		"how long what nothing needs stays for backups that are running; 24h"},
	[OPTION_METRIC] = {"metric", 0, VALUE_TEXT, "NAME",
		"of the series that are meant the one of this metric"},
	[OPTION_HORIZON] = {"horizon", 0, VALUE_TEXT, "DURATION",
		"how far to look ahead, 1h to 7d; 24h unless said"},
	[OPTION_QUANTILES] = {"quantiles", 0, VALUE_NONE, NULL,
		"the quantiles of each hour in figures instead of a chart"},
	[OPTION_PATHS] = {"paths", 0, VALUE_NONE, NULL,
		"with --json: whole courses that could happen, each with its weight"},
	[OPTION_PROMETHEUS] = {"prometheus", 0, VALUE_NONE, NULL,
		"all that is measured, in the text that Prometheus scrapes"},
	[OPTION_SERIES] = {"series", 0, VALUE_TEXT, "NAME",
		"the series, with its labels in braces, as `ebb forecast` lists them"},
	[OPTION_MATCH] = {"match", 0, VALUE_TEXT, "WHAT",
		"a selector of Prometheus or a measurement of InfluxDB: that, under its own names"},
	[OPTION_TIME] = {"time", 0, VALUE_TEXT, "COLUMN",
		"the column with the moments, by name or number"},
	[OPTION_VALUE] = {"value", 0, VALUE_TEXT, "COLUMN",
		"the column with the values, by name or number"},
	[OPTION_DAYS] = {"days", 0, VALUE_TEXT, "N", "only the last N days are judged"},
	[OPTION_SVG] = {"svg", 0, VALUE_NONE, NULL, "a picture of the last week, as SVG"},
	[OPTION_DATA] = {"data", 0, VALUE_FILE, "DIR",
		"recorded load instead of generated: a file of CSV, or the first one in a folder"},
	[OPTION_KEEP] = {"keep", 0, VALUE_NONE, NULL, "leave everything where it is at the end"},
	[OPTION_PROPOSE] = {"propose", 0, VALUE_NONE, NULL,
		"print a configuration for what was found, and nothing else"},
	[OPTION_RPO] = {"rpo", 0, VALUE_TEXT, "DURATION",
		"the newest point is never older than this; 24h unless said"},
	[OPTION_YES] = {"yes", 'y', VALUE_NONE, NULL, "do it without asking"},
	[OPTION_DRY_RUN] = {"dry-run", 'n', VALUE_NONE, NULL,
		"say what would be done, and do nothing"},
	[OPTION_JSON] = {"json", 0, VALUE_NONE, NULL, "print JSON for programs"},
	[OPTION_NO_COLOR] = {"no-color", 0, VALUE_NONE, NULL,
		"no colours, also on a terminal; NO_COLOR in the environment says the same"},
	[OPTION_HELP] = {"help", 'h', VALUE_NONE, NULL, "what a command does and takes"},
	[OPTION_VERSION] = {"version", 0, VALUE_NONE, NULL, "which ebb this is"},
};

static const char *const shells[] = {"bash", "zsh", NULL};

const struct command commands[] = {
	{"status", NULL, "how this node is, in a sentence and a few figures",
		"Asks ebbd over its control socket. With --json the whole answer is printed as one "
		"document: times in seconds, sizes in bytes, moments in RFC 3339. With "
		"--prometheus "
		"the newest value of every series that ebb observes, for node exporter's folder of "
		"text files.",
		{NULL}, COMMON | PLACES | ONE(OPTION_JSON) | ONE(OPTION_PROMETHEUS),
		{{"ebb status", "the daemon that /etc/ebb/ebb.yaml describes"},
			{"ebb status --prometheus > /var/lib/prometheus/node-exporter/ebb.prom",
				"for node exporter"},
			{"ebb status --state ~/.local/state/ebb/run-1",
				"one that `ebb run` started"}},
		call_status},
	{"job", "ls", "what ebbd did to protect resources, newest first",
		"Each job makes a point of a resource that the configuration's section protect "
		"names, and reads it back. PRICE is what it might cost others, as `ebb job why` "
		"explains; - stands for feedback alone, any for a deadline that pressed. DISK "
		"TIME is what it took of its disk.",
		{"RESOURCE", VALUE_TEXT, true, 1, NULL}, COMMON | PLACES | ONE(OPTION_JSON),
		{{"ebb job ls home", "of one"}}, call_job_ls},
	{"job", "why", "what is wanted of a resource now, or was wanted of a job, and why",
		"The planner's last answer: what was chosen, at which price, the runner-up, and "
		"what would change it. With the number of a job the planner is asked once more, "
		"on what was known then: so much is kept of the newest hundred.",
		{"RESOURCE|JOB", VALUE_TEXT, false, 1, NULL}, COMMON | PLACES,
		{{"ebb job why home", "the reasons for what is planned"},
			{"ebb job why 12", "the reasons for what was done"}},
		call_job_why},
	{"job", "now", "make a point of it now, whatever that costs others",
		"The job runs as fast as it can. What was planned for later is planned anew.",
		{"RESOURCE", VALUE_TEXT, false, 1, NULL}, COMMON | PLACES,
		{{"ebb job now home", "before an upgrade"}}, call_job_now},
	{"job", "cancel", "end the job of a resource that runs",
		"What it has stored already stays, and the next one goes on from there.",
		{"RESOURCE", VALUE_TEXT, false, 1, NULL}, COMMON | PLACES,
		{{"ebb job cancel home", "it disturbs"}}, call_job_cancel},
	{"pause", NULL, "no job of a resource runs until it is resumed",
		"Holds what `ebbd` protects by itself: no job of it begins, not even past its "
		"time, "
		"and one that runs rests where it is. A restart changes nothing about that.",
		{"RESOURCE", VALUE_TEXT, false, 1, NULL}, COMMON | PLACES,
		{{"ebb pause home", "while a large import runs"}}, call_pause},
	{"resume", NULL, "jobs of a resource that was paused run again",
		"What is late by then is done first, within a quarter of its RPO.",
		{"RESOURCE", VALUE_TEXT, false, 1, NULL}, COMMON | PLACES,
		{{"ebb resume home", "after it"}}, call_resume},
	{"forecast", NULL, "what a series will be, with honest bands",
		"Looks into the store of series in the state folder, beside a running ebbd or "
		"without one. SERIES is a name with its labels, a metric, or the value of a label "
		"such as a device; without it all series are listed. A counter is forecast as its "
		"rate a second. Each hour has a median and bands that are as wide as past errors "
		"were; how little is known, and how good forecasts of this series have been, is "
		"said above them. JSON has besides the next hour in steps of five minutes, and for "
		"each hour of the next day how probably it holds a burst or sustained load, how "
		"long "
		"and how high.",
		{"SERIES", VALUE_TEXT, true, 1, NULL},
		COMMON | PLACES | ONE(OPTION_JSON) | ONE(OPTION_METRIC) | ONE(OPTION_HORIZON) |
			ONE(OPTION_QUANTILES) | ONE(OPTION_PATHS),
		{{"ebb forecast", "what can be forecast"},
			{"ebb forecast ebb_host_cpu_seconds_total", "the next day"},
			{"ebb forecast sda --metric ebb_disk_reads_total --horizon 7d", "a week"}},
		call_forecast},
	{"history", "import", "take in what others have measured, so that forecasts begin today",
		"FORM csv: a row for each sample, moments in one column and values in another. "
		"A moment is seconds (or ms, us, ns) since 1970, or 2026-11-21T02:10:05Z; without "
		"a zone it is in UTC. An empty value is a gap. A series that is new is a counter "
		"when its name ends in _total. FORM sysstat: what `sadf -j` prints, from a file or "
		"- for standard input. FORM prometheus: the URL of a Prometheus or VictoriaMetrics "
		"that scrapes node exporter or ebb. FORM influx: a file of line protocol, or "
		"http://HOST:8086?db=NAME of an InfluxDB that telegraf fills. What these call "
		"otherwise becomes the series that ebb itself observes; rates become counters. "
		"From a server six weeks are taken, and the next call goes on where the last "
		"ended. A mistake in a file is told as `file:line: ...`, and then nothing is taken "
		"in. What is there already stays, so the same import may come again. The store "
		"belongs to ebbd while it runs: stop it meanwhile (the code is then 11). The code "
		"is 3 when samples make no sense.",
		{"FORM FROM", VALUE_FILE, false, 2, NULL},
		COMMON | PLACES | ONE(OPTION_JSON) | ONE(OPTION_SERIES) | ONE(OPTION_TIME) |
			ONE(OPTION_VALUE) | ONE(OPTION_HOST) | ONE(OPTION_MATCH) |
			ONE(OPTION_SINCE) | ONE(OPTION_UNTIL),
		{{"ebb history import csv load.csv --series load", "columns time and value"},
			{"sadf -j -- -A | ebb history import sysstat -", "today of sysstat"},
			{"ebb history import prometheus http://prom:9090 --host db1:9100",
				"one machine of many"}},
		call_history_import},
	{"model", "backtest", "how good forecasts of a trace would have been",
		"Lives through a file of CSV day by day, as `history import` reads it, forecasts "
		"at "
		"each local midnight of the last days (half of them, at most 28), and holds it "
		"against what came. Beside it stand all the simple forecasters, judged on the same "
		"hours: their mean absolute error, and that as a share of the error of the day "
		"before. Needs no daemon and no state folder.",
		{"FILE", VALUE_FILE, false, 1, NULL},
		COMMON | ONE(OPTION_JSON) | ONE(OPTION_TIME) | ONE(OPTION_VALUE) |
			ONE(OPTION_DAYS) | ONE(OPTION_CALENDAR),
		{{"ebb model backtest load.csv", "columns time and value"},
			{"ebb model backtest load.csv --days 7", "only the last week"}},
		call_model_backtest},
	{"model", "ls", "which forecaster drives each series, and its record",
		"The error is a share of that of the day before; then the share of hours inside "
		"the "
		"80 % band, and the mean pinball loss in the series' own unit. A series of which "
		"no "
		"forecast has come due has no record.",
		{NULL}, COMMON | PLACES | ONE(OPTION_JSON), {{"ebb model ls", "all of them"}},
		call_model_ls},
	{"plan", NULL, "what is wanted of each resource, from a file of facts",
		"Plans from the facts alone, so the same file gives the same plan for ever: state, "
		"expected window, deadline, kind, tier, contention score and price of each "
		"resource. A plan that breaks a hard rule (RPO, retention, room, one writer, "
		"hours) is refused with code 5. Price: the harm to users, at the margin, at which "
		"the work was in time on nine of ten remembered days. docs/FORMATS-FACTS.md says "
		"what a file of facts is.",
		{"FACTS", VALUE_FILE, false, 1, NULL}, COMMON | ONE(OPTION_JSON),
		{{"ebb plan site.facts", "a line for each resource"}}, call_plan},
	{"policy", "lint", "what is wrong with the policies in a file of facts",
		"Policies and rules that nothing reaches, an RTO that no tier can meet, tiers that "
		"are paid for longer than points are kept, hours that leave none open. The code is "
		"3 when there is anything to say.",
		{"FACTS", VALUE_FILE, false, 1, NULL}, COMMON,
		{{"ebb policy lint site.facts", "before it is in force"}}, call_policy_lint},
	{"why", NULL, "why a plan is as it is",
		"Decides again on the facts of a decision, and tells for one resource or for all: "
		"what was chosen, the reasons with their figures, the day that binds, the "
		"runner-up, what would change the choice, and what someone has to do.",
		{"FACTS RESOURCE", VALUE_FILE, false, 2, NULL}, COMMON | ONE(OPTION_JSON),
		{{"ebb why site.facts orders-db", "one of them"},
			{"ebb why site.facts --json", "all, for programs"}},
		call_why},
	{"simulate", NULL, "what ways to decide when a backup runs would have come to",
		"Lives through a file of CSV, as `history import` reads it, whose values are the "
		"load of a device in any unit: its busiest half percent of time is taken for four "
		"fifths of what it can do. Each day (in UTC) a job reads 5 % of that, due at the "
		"next midnight; measurements are 10 % off and ten seconds late. The same planner "
		"that decides in earnest stands beside a fixed start, staggered starts, "
		"thresholds, idle priority, yesterday's window, feedback alone, one who knows the "
		"day before it comes, itself with little past or another's, and with the gate that "
		"lets the better of planner and feedback drive. Harm: waiting added to users' "
		"requests. Without --days half of the trace is judged, 28 days at most.",
		{"FILE", VALUE_FILE, false, 1, NULL},
		COMMON | ONE(OPTION_JSON) | ONE(OPTION_TIME) | ONE(OPTION_VALUE) |
			ONE(OPTION_DAYS) | ONE(OPTION_SVG),
		{{"ebb simulate load.csv", "columns time and value"},
			{"ebb simulate load.csv --svg > week.svg", "when each would have worked"}},
		call_simulate},
	{"config", "check", "say every mistake in the configuration",
		"Reads the file as ebbd would, and what ends in .yaml in the folder conf.d beside "
		"it. Each mistake is a line `file:line:col: key: what is wrong`. Neither needs nor "
		"touches a running daemon.",
		{"FILE", VALUE_FILE, true, 1, NULL}, COMMON | PLACES | ONE(OPTION_JSON),
		{{"ebb config check new.yaml", "before it is put into place"}}, call_config_check},
	{"config", "show", "what is in force, and where each value came from",
		"Prints a whole configuration; the comment behind each value names the file, line "
		"and column that set it, or says that it is the default.",
		{"FILE", VALUE_FILE, true, 1, NULL}, COMMON | PLACES | ONE(OPTION_JSON),
		{{"ebb config show --json", "the same for programs"}}, call_config_show},
	{"config", "sample", "a file with every key, its meaning and its default",
		"All keys are commented out: what a file does not set keeps its default.", {NULL},
		COMMON, {{"ebb config sample > ebb.yaml", "to start from"}}, call_config_sample},
	{"run", NULL, "a whole ebb in the foreground, until Ctrl-C",
		"Starts ebb-vold and ebbd, waits until both answer, says where they are, and "
		"stays; "
		"one that dies is started again. Ctrl-C ends both in order. No root and no "
		"configuration file are needed: without --config or EBB_CONFIG everything has its "
		"default, and without --state the state goes to a new folder run-N beneath "
		"$XDG_STATE_HOME/ebb or ~/.local/state/ebb.",
		{NULL}, COMMON | PLACES | ONE(OPTION_EXIT) | ONE(OPTION_JSON),
		{{"ebb run", "a first look"},
			{"ebb run --state ~/.local/state/ebb/run-1", "the same session again"}},
		call_run},
	{"demo", NULL, "the first minute: what ebb does, shown on this machine",
		"A generated month of an office server's load (or --data, or $EBB_DATA) is lived "
		"through by the code of `model backtest` and `simulate`: the forecast's band "
		"narrows, backups move into the valleys, and the harm is told beside that of a "
		"fixed start at 02:00. Then ebb-vold serves a small volume to a client whose load "
		"comes and goes; a point of it is made and restored while it writes, and hashes "
		"are compared. One byte of a stored pack is flipped, found and mended. Then it "
		"stays: ebbd protects the volume from there on. Needs no root and listens on "
		"this machine alone; everything lies in one new state folder, which is removed "
		"at the end unless --keep is given.",
		{NULL},
		COMMON | ONE(OPTION_STATE) | ONE(OPTION_DATA) | ONE(OPTION_KEEP) |
			ONE(OPTION_EXIT) | ONE(OPTION_JSON),
		{{"ebb demo", "watch"}, {"ebb demo --data load.csv --keep", "with a load of yours"},
			{"ebb demo --json --exit", "for tests"}},
		call_demo},
	{"doctor", NULL, "what there is on this machine, and what is wrong with ebb here",
		"Looks for disks and their SMART state (as root, with smartctl), file systems and "
		"how full they are, what the kernel offers, servers of PostgreSQL, virtual "
		"machines, archives of sysstat, a Prometheus on this machine and other backup "
		"programs; then at configuration, state, daemons, keys and repositories. "
		"Changes nothing. The code is 3 when something is wrong. With --propose it "
		"prints a configuration that `ebb config check` accepts, with what to do "
		"before it works.",
		{NULL}, COMMON | PLACES | ONE(OPTION_JSON) | ONE(OPTION_PROPOSE),
		{{"ebb doctor", "look"}, {"ebb doctor --propose > ebb.yaml", "to begin with"}},
		call_doctor},
	{"notify", "test", "try whether those are told whom the configuration names",
		"Sends a notice that says that it is a test to all of the section notify, or to "
		"NAME alone. The code is 1 when one of them did not take it.",
		{"NAME", VALUE_TEXT, true, 1, NULL}, COMMON | PLACES,
		{{"ebb notify test", "after the section was written"}}, call_notify_test},
	{"notify", "send", "hand a notice to one of those whom the configuration names",
		"By this ebbd tells what a person should know. DOCUMENT is a JSON object with the "
		"texts event, state (begins or ends), resource, node, since and text.",
		{"NAME DOCUMENT", VALUE_TEXT, false, 2, NULL}, COMMON | PLACES,
		{{"ebb notify send oncall '{\"event\":\"own\",\"text\":\"the disk smells\"}'",
			"out of a script"}},
		call_notify_send},
	{"repo", "init", "make a repository, and the key to it",
		"The folder may be new or empty. Everything in it is encrypted and carries parity "
		"that mends damage. The key is written to a new file that only you can read; "
		"without it nobody reads the repository.",
		{NULL}, COMMON | REPOSITORY | ONE(OPTION_LIKE) | ONE(OPTION_PACK_SIZE),
		{{"ebb repo init --repo /mnt/backup/ebb --key-file ~/.ebb.key", "to begin with"},
			{"ebb repo init --repo s3://bucket/ebb --like /mnt/backup/ebb",
				"a second place"}},
		call_repo_init},
	{"repo", "sync", "bring points to the other places of the same data",
		"Each place of --also gets the points of --repo that are newer than the newest one "
		"it has of the same resource, with all that they need and lack there. A backup "
		"with --also brings its own point along anyway; this is for points that were made "
		"while a place was away. With --all also older ones, which the rules of the other "
		"place may have removed.",
		{NULL}, COMMON | READER | ONE(OPTION_ALL),
		{{"ebb repo sync --repo /mnt/backup/ebb --also s3://bucket/ebb",
			"after an "
			"outage"}},
		call_repo_sync},
	{"repo", "probe", "how far away the place is, how fast, and how full",
		"Times five small calls and a long one each way, of 1 MiB. In a bucket nothing is "
		"written, and where reading is thawing nothing is read. ebbd does this every ten "
		"minutes for each place that it saves to: the series ebb_tier_... hold it.",
		{NULL}, COMMON | ONE(OPTION_REPO) | ONE(OPTION_JSON) | ONE(OPTION_INTO),
		{{"ebb repo probe --repo /mnt/backup/ebb", "before it is chosen"}},
		call_repo_probe},
	{"repo", "check", "whether the parts of a repository fit together",
		"Looks at the chain of heads, at everything that the newest one names, and at what "
		"indexes and packs say of each other, without reading content: that is what `ebb "
		"verify` does. --listed opens no pack, and finds those that are gone, cut short or "
		"grown: for places that answer late. --rebuild makes indexes that cannot be read "
		"anew out of the packs, "
		"and the catalog of this machine out of the repository. The code is 13 when "
		"something does not fit.",
		{NULL}, COMMON | READER | ONE(OPTION_REBUILD) | ONE(OPTION_LISTED),
		{{"ebb repo check", "look"},
			{"ebb repo check --listed", "what lies where reading is slow or costs"},
			{"ebb repo check --rebuild", "after a damaged index or catalog"}},
		call_repo_check},
	{"repo", "unlock", "say that there is no lock to remove",
		"Nobody locks a repository: writers race for the next head, and the place tells "
		"who "
		"was first. What a killed writer claimed at a place expires by itself, and what it "
		"left is taken in by the next backup or removed by `ebb repo gc`.",
		{NULL}, COMMON | READER, {{"ebb repo unlock", "for those who look for it"}},
		call_repo_unlock},
	{"repo", "gc", "remove points by rules, and give back the room of what none needs",
		"Without a rule no point is removed. Rules count for each resource apart; a point "
		"stays when any of them keeps it, and so do the newest one of each resource, held "
		"ones, and all of a resource of which one is suspicious (`ebb snap accept`). What "
		"no point needs is marked, stays as long as --soak says, and is removed by a later "
		"call; backups may run meanwhile. With --soak 0s it is removed at once, and a "
		"backup that is running may have to begin anew. Asks at a terminal before points "
		"go; elsewhere that needs -y.",
		{NULL},
		COMMON | READER | ONE(OPTION_KEEP_LAST) | ONE(OPTION_KEEP_HOURLY) |
			ONE(OPTION_KEEP_DAILY) | ONE(OPTION_KEEP_WEEKLY) |
			ONE(OPTION_KEEP_MONTHLY) | ONE(OPTION_KEEP_YEARLY) |
			ONE(OPTION_KEEP_WITHIN) | ONE(OPTION_UTC) | ONE(OPTION_SOAK) |
			ONE(OPTION_RESOURCE) | ONE(OPTION_YES) | ONE(OPTION_DRY_RUN),
		{{"ebb repo gc -n --keep-daily 7 --keep-weekly 5 --keep-monthly 12",
			 "what would go, and why the rest stays"},
			{"ebb repo gc", "only what nothing needs"}},
		call_repo_gc},
	{"repo", "adopt", "take in what machines with a write-only key have brought",
		"Such a machine cannot make a point: it leaves its packs and signed word of them. "
		"This reads and proves every chunk and follows the point; then it exists. What is "
		"forged, from a key that was taken away, or misses something, is refused and told, "
		"and the code is then 3. `repo gc` does the same first.",
		{NULL}, COMMON | READER, {{"ebb repo adopt", "each night, say"}}, call_repo_adopt},
	{"repo", "key", "add, list, remove and rotate the keys of a repository",
		"ACTION is add, ls, rm or rotate. A repository has any number of keys; rm takes "
		"the "
		"first digits of one, and never the last that can read. A key that was removed "
		"opens "
		"nothing more, but who has kept it and all that it opened reads on: rotate, and "
		"what "
		"is written from then on is sealed to keys that only the remaining holders get.",
		{"ACTION [ID]", VALUE_TEXT, false, 2, NULL},
		COMMON | READER | ONE(OPTION_PASSPHRASE) | ONE(OPTION_SECRET) |
			ONE(OPTION_RECOVERY) | ONE(OPTION_WRITE_ONLY) | ONE(OPTION_LABEL) |
			ONE(OPTION_NEW_KEY_FILE) | ONE(OPTION_NEW_PASSWORD_FILE) | ONE(OPTION_YES),
		{{"ebb repo key add --recovery > sheet.txt", "a sheet for the safe"},
			{"ebb repo key add --write-only --new-key-file client.key",
				"for a machine that must not read"},
			{"ebb repo key rm -y 3f2a && ebb repo key rotate", "somebody leaves"}},
		call_repo_key},
	{"repo", "upgrade", "bring a repository to the newest format that this ebb knows",
		"No other command does it. The repository says first that readers have to know "
		"more, and an ebb that does not refuses it from then on; then what is old is "
		"written anew, and one that was ended goes on when it is run again. Backups may "
		"go on meanwhile. What there is to gain: indexes that tell how long packs are, for "
		"`repo check --listed`. The code is 3 when something is left.",
		{NULL}, COMMON | READER | ONE(OPTION_DRY_RUN),
		{{"ebb repo upgrade -n", "what would be done"}, {"ebb repo upgrade", "do it"}},
		call_repo_upgrade},
	{"backup", NULL, "save a folder or an image into a repository, once",
		"Needs no daemon. What has not changed since the last point of the same folder is "
		"not read again; every point is a full view all the same. Entries that cannot be "
		"read are told one by one, and the code is then 3. A file that changes while it is "
		"read is told, counted and marked. With --command the words behind `--` are a "
		"program: what it writes is saved, unless it fails. With --also it is read and "
		"compressed once and written to several places, which have their own points and "
		"rules; one that fails is told, stops no other, and the code is then 3. A PATH "
		"that is a "
		"plain file or a block device is saved as an image of a disk, by blocks of 4 KiB "
		"of which only changed ones are stored. Programs of --before and "
		"--after learn from EBB_PHASE, EBB_RESOURCE, EBB_PATH, EBB_POINT and EBB_EXIT what "
		"it is about.",
		{"PATH", VALUE_FOLDER, true, OPERANDS_MAX, NULL},
		COMMON | READER | ONE(OPTION_EXCLUDE) | ONE(OPTION_EXCLUDE_FILE) |
			ONE(OPTION_EXCLUDE_CACHES) | ONE(OPTION_ONE_FILE_SYSTEM) |
			ONE(OPTION_FULL) | ONE(OPTION_DIFFERENTIAL) | ONE(OPTION_DRY_RUN) |
			ONE(OPTION_PRICE) | ONE(OPTION_LIMIT) | ONE(OPTION_LIMIT_FILE) |
			ONE(OPTION_PROGRESS) | ONE(OPTION_CHANGED) | ONE(OPTION_CHECK_CHANGED) |
			ONE(OPTION_FOLD) | ONE(OPTION_STDIN) | ONE(OPTION_STDIN_NAME) |
			ONE(OPTION_COMMAND) | ONE(OPTION_POSTGRES) | ONE(OPTION_NAME) |
			ONE(OPTION_LOCK) | ONE(OPTION_CONFIG) | HOOKS,
		{{"ebb backup /home --repo /mnt/backup/ebb --key-file ~/.ebb.key", "one point"},
			{"ebb backup --stdin-name db.sql --command -- pg_dump db", "a program"},
			{"ebb backup --postgres orders --name orders", "a PostgreSQL server"}},
		call_backup},
	{"protect", NULL, "have a folder, device or volume saved from now on",
		"With --to it is declared in conf.d beside the configuration: that of the ebbd "
		"that answers, or that --config or --state name. Where no repository is yet one "
		"is made, and a recovery sheet printed, once. A running ebbd takes it up and makes "
		"each point when it disturbs least; what is declared already stays as it is. The "
		"name of a resource that is declared asks ebbd for a point now, and with -n tells "
		"what that would come to. vol/NAME without --to saves a volume of ebb-vold in "
		"this call: cuts a snapshot, stores the blocks of 4 KiB that changed since the "
		"newest point, reads them back and compares, and drops the snapshot. Clients of "
		"the volume go on meanwhile. When it is not known what "
		"changed (a first time, another volume of that name, or a point that another "
		"repository knew), all blocks are read and compared by their sums, and that is "
		"said. A run that was killed leaves a snapshot, which the next one drops.",
		{"PATH|NAME|vol/NAME", VALUE_FOLDER, false, 1, NULL},
		COMMON | READER | PLACES | ONE(OPTION_FULL) | ONE(OPTION_FOLD) |
			ONE(OPTION_CHECK_CHANGED) | ONE(OPTION_DRY_RUN) | ONE(OPTION_PRICE) |
			ONE(OPTION_LIMIT) | ONE(OPTION_LIMIT_FILE) | ONE(OPTION_PROGRESS) |
			ONE(OPTION_LOCK) | ONE(OPTION_TO) | ONE(OPTION_NAME) | ONE(OPTION_RPO),
		{{"ebb protect ~/Documents --to /mnt/backup/ebb", "from now on, each day"},
			{"ebb protect Documents -n", "what its next point would come to"},
			{"ebb protect vol/db --repo /mnt/backup/ebb", "one point of volume db"}},
		call_protect},
	{"snap", "ls", "the recovery points of a repository, oldest first",
		"The last line tells the repository's generation. The catalog remembers it, and "
		"other machines may be told with --generation: a repository that was rolled back "
		"is "
		"then noticed.",
		{NULL},
		COMMON | READER | ONE(OPTION_RESOURCE) | ONE(OPTION_HOST) | ONE(OPTION_SINCE) |
			ONE(OPTION_UNTIL),
		{{"ebb snap ls --repo /mnt/backup/ebb", "all of them"},
			{"ebb snap ls --resource home --since 2026-11-01", "some"}},
		call_snap_ls},
	{"snap", "diff", "what was added, removed and changed between two points",
		"POINT is `latest`, the first digits of one, RESOURCE@latest, or RESOURCE@MOMENT "
		"for "
		"the newest one not after it. Reads only folders that differ. Each line begins "
		"with + "
		"(added), - (removed), M (content), U (owner, mode, times or attributes) or T "
		"(another "
		"type); a size is that of today. Of images the ranges of bytes that differ are "
		"told "
		"as OFFSET,LENGTH, which `backup --changed` takes. With --json a line for each "
		"change, and one at "
		"the "
		"end.",
		{"A B [PATH]", VALUE_TEXT, false, 3, NULL}, COMMON | READER,
		{{"ebb snap diff 3f2a latest", "all of it"},
			{"ebb snap diff home@2026-11-20 home@latest etc", "below one path"}},
		call_snap_diff},
	{"snap", "hold", "keep points whatever the rules of retention say",
		"Held points are kept by `repo gc` and cannot be removed until they are released.",
		{"POINT", VALUE_TEXT, false, OPERANDS_MAX, NULL}, COMMON | READER,
		{{"ebb snap hold home@2026-11-21", "the newest of that day"}}, call_snap_hold},
	{"snap", "release", "let held points go the way of all others",
		"What is released is not removed; the rules of retention count for it again.",
		{"POINT", VALUE_TEXT, false, OPERANDS_MAX, NULL}, COMMON | READER,
		{{"ebb snap release 3f2a", "one point"}}, call_snap_release},
	{"snap", "accept", "say that a suspicious point is right",
		"A backup of which far more changed than usual, or far more of that does not "
		"compress, is called suspicious: so looks a ransom, and now and then a day's "
		"work. `repo gc` removes no point of its resource until it is accepted.",
		{"POINT", VALUE_TEXT, false, OPERANDS_MAX, NULL}, COMMON | READER,
		{{"ebb snap accept home@latest", "it was a day's work"}}, call_snap_accept},
	{"snap", "rm", "remove points",
		"They are gone from the list at once; `repo gc` gives back the room of what no "
		"other "
		"point needs. Asks at a terminal; elsewhere it needs -y.",
		{"POINT", VALUE_TEXT, false, OPERANDS_MAX, NULL},
		COMMON | READER | ONE(OPTION_YES) | ONE(OPTION_DRY_RUN),
		{{"ebb snap rm -n 3f2a 77b0", "which ones these are"},
			{"ebb snap rm -y 3f2a", "without asking"}},
		call_snap_rm},
	{"snap", "mount", "look into points as into folders, until Ctrl-C",
		"Read-only, in the foreground. Without POINT every point is there, as "
		"DIR/RESOURCE/MOMENT, one of an image as a file. Only what is looked at is read; a "
		"file whose chunks are "
		"damaged "
		"beyond repair answers an error and a line here, never wrong bytes. Ends when it "
		"is "
		"unmounted, too. Without root it needs fusermount3. With --nbd "
		"the image of a point is served instead, to as many clients as come.",
		{"[POINT] DIR", VALUE_FOLDER, false, 2, NULL}, COMMON | READER | ONE(OPTION_NBD),
		{{"ebb snap mount /mnt", "all points"},
			{"ebb snap mount home@2026-11-20 /mnt", "one of them"},
			{"ebb snap mount image/db@latest --nbd unix:/tmp/n", "a disk"}},
		call_snap_mount},
	{"volume", "ls", "the volumes that ebb-vold serves, or the snapshots of one",
		"Asks ebb-vold over its command socket, vold.sock in the state folder. Clients "
		"reach a "
		"volume by NBD on nbd.sock beside it, as the export NAME, and its snapshots as "
		"NAME@SNAPSHOT, read-only.",
		{"NAME", VALUE_TEXT, true, 1, NULL}, COMMON | PLACES | ONE(OPTION_JSON),
		{{"ebb volume ls", "all of them"}, {"ebb volume ls db", "the snapshots of one"}},
		call_volume_ls},
	{"volume", "create", "make a volume", "It takes room only for what is written to it.",
		{"NAME SIZE", VALUE_TEXT, false, 2, NULL}, COMMON | PLACES,
		{{"ebb volume create db 100GiB", "one of 100 GiB"}}, call_volume_create},
	{"volume", "resize", "grow or shrink a volume",
		"Where data would be cut off, or clients be surprised, it needs -y. Clients see "
		"the "
		"new size when they connect anew.",
		{"NAME SIZE", VALUE_TEXT, false, 2, NULL}, COMMON | PLACES | ONE(OPTION_YES),
		{{"ebb volume resize db 200GiB", "to 200 GiB"}}, call_volume_resize},
	{"volume", "rm", "remove a volume that nobody uses, with its snapshots",
		"Asks at a terminal; elsewhere it needs -y.", {"NAME", VALUE_TEXT, false, 1, NULL},
		COMMON | PLACES | ONE(OPTION_YES), {{"ebb volume rm -y db", "without asking"}},
		call_volume_rm},
	{"volume", "cut", "cut a snapshot of a volume, or of several at once",
		"It holds what was written before, durably, and copies nothing. Several volumes "
		"are "
		"cut at one point of their writes: all get the snapshot, or none.",
		{"NAME@SNAPSHOT...", VALUE_TEXT, false, OPERANDS_MAX, NULL}, COMMON | PLACES,
		{{"ebb volume cut db@before-upgrade", "clients go on meanwhile"},
			{"ebb volume cut db@monday wal@monday", "both at one point"}},
		call_volume_cut},
	{"volume", "drop", "drop a snapshot that nobody reads",
		"Its room comes back little by little.",
		{"NAME@SNAPSHOT", VALUE_TEXT, false, 1, NULL}, COMMON | PLACES,
		{{"ebb volume drop db@before-upgrade", "one snapshot"}}, call_volume_drop},
	{"top", NULL, "what each volume is asked just now, and how long it takes",
		"All figures are of one second. DEPTH is how many requests were under way in the "
		"mean, SEQ% how many of them began where another ended, SET how much was read or "
		"written and DIRTY how much written, in MB without counting a block twice, and "
		"BURST the busiest tenth of the second over the mean one.",
		{NULL}, COMMON | PLACES | ONE(OPTION_JSON),
		{{"ebb top", "one second"}, {"watch -n1 ebb top", "again and again"}}, call_top},
	{"restore", NULL, "bring a recovery point back into a folder",
		"POINT is `latest`, the first digits of one, or RESOURCE@MOMENT. The folder is "
		"made when only its "
		"last component is missing; files that are there are replaced, each in one step "
		"and "
		"only when every byte of it was checked. A file that is right already is left as "
		"it is, and of one that differs only the chunks that do are fetched: a restore "
		"that was ended goes on where it was. What cannot be restored is told one by "
		"one, and the code is then 3. With --stdout one file is written to standard output "
		"instead, each chunk when it was checked; without --path the only one of the "
		"point. An image goes to a new file, which gets its name when it was read back; a "
		"second try goes on where the first ended. With --in-place it goes onto a file or "
		"device that is there, of which only what differs is written. "
		"With --to it becomes a new volume, which gets its name when it was read back; "
		"with --serve clients use it at once, and what they read is fetched first. "
		"pg/NAME@TIME is a PostgreSQL server as it was then: a base backup, and the "
		"settings by which it fetches the WAL that leads there.",
		{"POINT TARGET", VALUE_FOLDER, false, 2, NULL},
		COMMON | READER | PLACES | ONE(OPTION_TO) | ONE(OPTION_SERVE) | ONE(OPTION_PATH) |
			ONE(OPTION_NO_OWNER) | ONE(OPTION_STDOUT) | ONE(OPTION_IN_PLACE) |
			ONE(OPTION_DELETE) | ONE(OPTION_YES) | ONE(OPTION_LIMIT) |
			ONE(OPTION_LIMIT_FILE) | ONE(OPTION_PROGRESS) | ONE(OPTION_TIMELINE) |
			ONE(OPTION_TABLESPACES),
		{{"ebb restore latest /tmp/back --repo /mnt/backup/ebb", "all of it"},
			{"ebb restore vol/db@latest --to vol/db2 --serve", "a volume, at once"},
			{"ebb restore stream/db.sql@latest --stdout", "a stream"}},
		call_restore},
	{"verify", NULL, "read a repository back and prove that it is whole",
		"Reads every object, opens every chunk and follows every point; with --sample or "
		"--for some of it, what was proved least recently first, and without a catalog at "
		"random: each run goes on where the last one ended; with --new what no run has "
		"proved yet. What is damaged is told by "
		"object, and what is lost by file and point. --repair mends by parity, else takes "
		"objects or chunks from --from, else stores what is left in new packs, so that the "
		"next backup stores again what its source still has. It deletes nothing. The code "
		"is 13 when anything is damaged; with --repair only when something stays so. With "
		"POINT only what bringing that point back takes is read, and only it is followed.",
		{"POINT", VALUE_TEXT, true, 1, NULL},
		COMMON | READER | ONE(OPTION_REPAIR) | ONE(OPTION_FROM) | ONE(OPTION_SAMPLE) |
			ONE(OPTION_NEW) | ONE(OPTION_FOR) | ONE(OPTION_LIMIT) |
			ONE(OPTION_LIMIT_FILE),
		{{"ebb verify --repo /mnt/backup/ebb", "look"},
			{"ebb verify home@latest", "one point"},
			{"ebb verify --repair --from /mnt/second/ebb", "look and mend"}},
		call_verify},
	{"wal", "push", "archive a WAL file: the archive_command of a PostgreSQL server",
		"When it ends with 0 the file is durable. Others that the server has ready are "
		"taken "
		"along. What is there already with the same content is fine, with another one it "
		"is "
		"refused, and so is the WAL of another cluster. A write-only key will do, of its "
		"own for each server: what it brings counts when somebody who can read has taken "
		"it in, which `repo adopt`, `wal pull` and a restore do.",
		{"FILE", VALUE_FILE, false, 1, NULL}, COMMON | READER | ONE(OPTION_NAME),
		{{"ebb wal push %p --name orders --repo /mnt/ebb --key-file /etc/ebb.key",
			"in archive_command"}},
		call_wal_push},
	{"wal", "pull", "fetch a WAL file: the restore_command of a PostgreSQL server",
		"`ebb restore pg/NAME@TIME` writes this into the settings of the server. The code "
		"is "
		"4 when the archive surely has no such file. When that cannot be told it is 200, "
		"at "
		"which the server stops instead of taking it for the end of the WAL.",
		{"FILE TARGET", VALUE_FILE, false, 2, NULL}, COMMON | READER | ONE(OPTION_NAME),
		{{"ebb wal pull %f %p --name orders --repo /mnt/ebb --key-file /etc/ebb.key",
			"in restore_command"}},
		call_wal_pull},
	{"wal", "expire", "remove WAL that no base backup needs any more",
		"All WAL from the start of the oldest base backup of that name on stays, so that "
		"every moment since is reached; what lies before goes. Without a base backup "
		"nothing goes. With --keep-within only moments that are at most so long ago have "
		"to be reached: older base backups then lead to their own end alone. `repo gc` "
		"with rules for points does the same for the base backups that it leaves. Asks "
		"at a terminal; elsewhere it needs -y.",
		{NULL},
		COMMON | READER | ONE(OPTION_NAME) | ONE(OPTION_KEEP_WITHIN) | ONE(OPTION_YES) |
			ONE(OPTION_DRY_RUN),
		{{"ebb wal expire -n --name orders", "what would go"},
			{"ebb wal expire -y --name orders --keep-within 30d",
				"moments of the last 30 days"}},
		call_wal_expire},
	{"wal", "ls", "the files of a WAL archive", "Each with the time of its last write.", {NULL},
		COMMON | READER | ONE(OPTION_NAME), {{"ebb wal ls --name orders", "all of them"}},
		call_wal_ls},
	{"completion", NULL, "print the completion of commands for a shell",
		"The shell reads it once at its start.", {"SHELL", VALUE_WORD, false, 1, shells},
		COMMON,
		{{"source <(ebb completion bash)", "in ~/.bashrc"},
			{"source <(ebb completion zsh)", "in ~/.zshrc, behind compinit"}},
		call_completion},
	{"man", NULL, "print a manual page",
		"In the language of man(7), made from the same table as this help: that of all "
		"commands, or of those that begin with PAGE, or, for ebb.yaml, of the "
		"configuration.",
		{"PAGE", VALUE_COMMAND, true, 1, NULL}, COMMON,
		{{"ebb man | man -l -", "to read it where it is not installed"},
			{"ebb man repo | man -l -", "the commands `ebb repo ...`"}},
		call_man},
	{"help", NULL, "what there is, or what a command does and takes",
		"The same as `ebb COMMAND --help`. With --json the whole table of commands.",
		{"COMMAND", VALUE_COMMAND, true, COMMAND_WORDS, NULL}, COMMON | ONE(OPTION_JSON),
		{{"ebb help config check", "about one command"},
			{"ebb help config", "about all of that name"}},
		call_help},
	{"version", NULL, "which ebb this is", "The version and the licence.", {NULL},
		COMMON | ONE(OPTION_JSON), {{"ebb version --json", "for programs"}}, call_version},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

const struct variable variables[] = {
	{"EBB_REPO", "the repository; --repo comes before it"},
	{"EBB_KEY_FILE", "the file with its key; --key-file comes before it"},
	{"AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
		"who we are at an object store (s3://)"},
	{"AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE",
		"where else that stands; ~/.aws/credentials by default"},
	{"AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_CA_BUNDLE, HTTPS_PROXY",
		"how a store is reached; the URL of a place comes before them"},
	{"EBB_PASSWORD_FILE",
		"a file whose first line is the passphrase; any key file comes before it"},
	{"EBB_IMPORT_AUTHORIZATION",
		"what `history import` sends as Authorization: Bearer ..., Basic ..."},
	{"EBB_DATA", "recorded load for `ebb demo`; --data comes before it"},
	{"EBB_CONFIG", "the configuration to go by; --config comes before it"},
	{"NO_COLOR", "when set and not empty: no colours"},
	{"STATE_DIRECTORY", "where the catalog lies, instead of $XDG_STATE_HOME/ebb"},
	{"CACHE_DIRECTORY, XDG_CACHE_HOME",
		"where this machine keeps large indexes of repositories; what is there can be "
		"removed"},
	{"TMPDIR", "the same for files without names, where there is no such folder; /var/tmp"},
	{"XDG_STATE_HOME",
		"where `ebb run` and `ebb demo` make the state folder of a new session, and the "
		"catalog"},
	{NULL, NULL},
};

const char *command_name(const struct command *command, char name[COMMAND_NAME])
{
	snprintf(name, COMMAND_NAME, "%s%s%s", command->noun, command->verb ? " " : "",
		command->verb ? command->verb : "");
	return name;
}

const char *command_synopsis(const struct command *command, char synopsis[COMMAND_NAME])
{
	char name[COMMAND_NAME];
	const struct operand *operand = &command->operand;
	command_name(command, name);
	if (!operand->name)
		snprintf(synopsis, COMMAND_NAME, "%s", name);
	else if (operand->optional)
		snprintf(synopsis, COMMAND_NAME, "%s [%s]", name, operand->name);
	else
		snprintf(synopsis, COMMAND_NAME, "%s %s", name, operand->name);
	return synopsis;
}

const char *option_synopsis(const struct option *option, char synopsis[COMMAND_NAME])
{
	int len = option->letter ? snprintf(synopsis, COMMAND_NAME, "-%c, ", option->letter) : 0;
	snprintf(synopsis + len, (size_t)(COMMAND_NAME - len), "--%s%s%s", option->name,
		option->value ? " " : "", option->value ? option->value : "");
	return synopsis;
}

const struct command *command_of_noun(const char *noun)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].noun, noun) == 0)
			return &commands[i];
	return NULL;
}

const struct command *command_find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		if (strcmp(command->noun, noun) == 0 &&
			(command->verb && verb ? strcmp(command->verb, verb) == 0
					       : !command->verb && !verb))
			return command;
	}
	return NULL;
}

bool command_is_first(const struct command *command)
{
	return command == commands || strcmp(command[-1].noun, command->noun) != 0;
}
