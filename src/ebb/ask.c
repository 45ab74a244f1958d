/* SPDX-License-Identifier: Apache-2.0 */
/* From errno to advice. */
#include "ebb/ask.h"

#include <errno.h>
#include <string.h>

#include "base/why.h"
#include "ebb/exit.h"
#include "talk/client.h"

int ask_failed(int err, const char *program, const char *socket, struct why *why)
{
	struct why said = *why;
	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
	case -ENOTDIR:
		return why_set(why, EXIT_NO_DAEMON,
			"%s does not listen at %s: start it with `systemctl start %s`%s, or name "
			"the state folder of one that runs with --state",
			program, socket, program,
			strcmp(program, "ebbd") == 0 ? " or `ebb run`" : "");
	case -EACCES:
	case -EPERM:
		return why_set(why, EXIT_NO_DAEMON,
			"%s at %s may not be talked to by this user: use sudo, or be the user that "
			"it runs as",
			program, socket);
	case -ETIMEDOUT:
		return why_set(why, EXIT_NO_DAEMON,
			"%s at %s has not answered: its log tells what it is doing (`journalctl -u "
			"%s`)",
			program, socket, program);
	default:
		return why_set(
			why, EXIT_NO_DAEMON, "%s cannot be asked: %.300s", program, said.text);
	}
}

int ask_code(
	const struct talk_answer *answer, const char *program, const char *socket, struct why *why)
{
	if (answer->err) {
		*why = *answer->why;
		return ask_failed(answer->err, program, socket, why);
	}
	if (answer->reply->ok)
		return EXIT_OK;
	return why_set(why, answer->reply->code, "%s", answer->reply->error);
}
