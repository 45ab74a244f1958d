/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer, or that none came, means for the one who typed the command.
 *
 * Any thread.
 */
#ifndef EBB_EBB_ASK_H
#define EBB_EBB_ASK_H

#include "base/units.h"

struct talk_answer;
struct why;

#define ASK_TIMEOUT_NS (5 * NS_PER_SEC)

/*
 * EXIT_OK when the program at `socket` answered and was content; else the exit code, and in `why` a
 * sentence that says what to do. `program`: "ebbd", "ebb-vold".
 */
int ask_code(
	const struct talk_answer *answer, const char *program, const char *socket, struct why *why);

/* The same for a conversation that failed with `err`, of which `why` tells. */
int ask_failed(int err, const char *program, const char *socket, struct why *why);

#endif
