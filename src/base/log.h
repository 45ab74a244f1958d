/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines for the programs. Libraries return errors and never log; a failure is told once, at the
 * top, by whoever gives up on it.
 *
 * One line an event, in logfmt: `ts=... level=warn event="config refused" file=... why="..."`. When
 * the journal listens, lines begin with its <priority> instead of ts and level. Passed in, never
 * global. One thread for each struct log.
 */
#ifndef EBB_BASE_LOG_H
#define EBB_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log {
	enum log_level level; /* lines above it are not made */
	bool journal;
	int64_t (*wall_ns)(void *arg);
	/* Takes one whole line with its newline; borrowed for the call. */
	void (*put)(void *arg, const char *line, size_t len);
	void *arg;
};

struct log_field {
	const char *key;
	const char *text; /* NULL: the number counts */
	int64_t number;
};

#define LOG_TEXT(key, text) ((struct log_field){(key), (text), 0})
#define LOG_NUM(key, number) ((struct log_field){(key), NULL, (int64_t)(number)})

/* log_say(log, LOG_INFO, "started", LOG_TEXT("node", name), LOG_NUM("boot", n)); */
#define log_say(log, level, ...) log_say_(log, level, __VA_ARGS__, (struct log_field){0})
#define log_say_(log, level, event, ...) \
	log_write((log), (level), (event), (const struct log_field[]){__VA_ARGS__})

/*
 * The fields end with one whose key is NULL. In texts, characters that would move, hide or reorder
 * what a terminal shows, and bytes that are no UTF-8, are escaped.
 */
void log_write(
	struct log *log, enum log_level level, const char *event, const struct log_field *fields);

extern const char *const log_level_names[4]; /* error warn info debug */

#endif
