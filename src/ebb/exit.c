/* SPDX-License-Identifier: Apache-2.0 */
/* The codes in words. */
#include "ebb/exit.h"

#include <stddef.h>

const struct exit_text exit_texts[] = {
	{EXIT_OK, "done"},
	{EXIT_FAILED, "failed; the message says why"},
	{EXIT_USAGE, "not understood: an unknown command, option or value"},
	{EXIT_PARTIAL, "done, but some data could not be read"},
	{EXIT_NO_OBJECT, "there is no such object"},
	{EXIT_GUARDED, "refused by a guard"},
	{EXIT_NO_REPOSITORY, "there is no repository"},
	{EXIT_LOCKED, "locked: another program is using it"},
	{EXIT_WRONG_KEY, "the key is wrong"},
	{EXIT_DAMAGED, "data is damaged"},
	{EXIT_NO_DAEMON, "the daemon cannot be reached"},
	{EXIT_INTERRUPTED, "interrupted (SIGINT)"},
	{EXIT_TERMINATED, "terminated (SIGTERM)"},
	{EXIT_STOP_RECOVERY, "wal pull: whether that file is there is unknown"},
	{0, NULL},
};
