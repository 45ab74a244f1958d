/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ebbd as commands ask it: a question over its control socket, which --state or the configuration
 * names.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_DAEMON_H
#define EBB_EBB_DAEMON_H

#include <jansson.h>
#include <stddef.h>

struct call;

/*
 * Gives the document that was answered, without what belongs to the conversation. An exit code;
 * failures were told.
 */
int daemon_ask(
	const struct call *call, const char *const *words, size_t count, json_t **ret_answer);

/* The same, and only a wrong configuration is told. */
int daemon_look(
	const struct call *call, const char *const *words, size_t count, json_t **ret_answer);

#endif
