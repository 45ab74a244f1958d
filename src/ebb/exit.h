/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With which code the command line ends, and what each means. Codes never change their meaning;
 * 3, 10, 11, 12 and 130 are those of restic, so that scripts written for it read them right.
 *
 * Any thread.
 */
#ifndef EBB_EBB_EXIT_H
#define EBB_EBB_EXIT_H

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_PARTIAL = 3,
	EXIT_NO_OBJECT = 4,
	EXIT_GUARDED = 5,
	EXIT_NO_REPOSITORY = 10,
	EXIT_LOCKED = 11,
	EXIT_WRONG_KEY = 12,
	EXIT_DAMAGED = 13,
	EXIT_NO_DAEMON = 14,
	EXIT_INTERRUPTED = 130,
	EXIT_TERMINATED = 143,
	EXIT_STOP_RECOVERY = 200,
};

/* For help and the manual, in rising order; the last has text NULL. */
struct exit_text {
	enum exit_code code;
	const char *text;
};

extern const struct exit_text exit_texts[];

#endif
