/* SPDX-License-Identifier: Apache-2.0 */
/* Files of CSV for `history import` and `model backtest`. */
#include "ebb/trace_file.h"

#include <errno.h>

#include "base/own.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "os/linux/textfile.h"

/* Ten years of minutes. */
enum { FILE_MAX = 256 << 20 };

int trace_file_read(const struct call *call, const char *path, struct trace_file *ret)
{
	OWN(own_free) char *text = NULL;
	const struct trace_options wanted = {.name = path,
		.time = call->args.values[OPTION_TIME],
		.value = call->args.values[OPTION_VALUE]};
	struct why why;
	size_t len;
	int err = textfile_read(path, FILE_MAX, &text, &len, &why);
	if (err)
		return call_fail(err == -ENOENT ? EXIT_NO_OBJECT : EXIT_FAILED, "%s", why.text);
	err = trace_read(&wanted, text, len, &ret->samples, &ret->facts, &why);
	if (err)
		return call_fail(EXIT_FAILED, "%s", why.text);
	if (!ret->samples.len)
		return call_fail(EXIT_FAILED, "%s: no row has a value", path);
	return EXIT_OK;
}

void trace_file_done(struct trace_file *file)
{
	vec_done(&file->samples);
}
