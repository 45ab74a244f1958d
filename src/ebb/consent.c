/* SPDX-License-Identifier: Apache-2.0 */
/* Asking once. */
#include "ebb/consent.h"

#include <stdio.h>
#include <unistd.h>

#include "ebb/call.h"
#include "ebb/exit.h"

int consent(const struct call *call, const char *what)
{
	char answer[16] = "";
	if (args_given(&call->args, OPTION_YES))
		return EXIT_OK;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return call_fail(EXIT_GUARDED,
			"this %s; nobody can be asked here: -y says that it may", what);
	fprintf(stderr, "ebb: this %s. Go on? [y/N] ", what);
	fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
		return call_fail(EXIT_GUARDED, "nothing was changed");
	return EXIT_OK;
}
