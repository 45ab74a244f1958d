/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand on the command line, and what is said of it. */
#include "ebbd/options.h"

#include "base/flags.h"
#include "base/str.h"
#include "base/why.h"

static void add_help(const struct flag *flags, size_t count, struct str *text)
{
	str_add(text,
		"usage: ebbd [OPTION]...\n"
		"The brain of ebb: observes this machine and decides when its data moves.\n\n");
	flags_help(flags, count, text);
	str_add(text,
		"\n"
		"SIGHUP reads the configuration anew; a bad one changes nothing.\n"
		"SIGTERM and SIGINT end it in order, a second one at once.\n"
		"Exit codes: 0 ended in order; 1 failed; 2 wrong usage or configuration;\n"
		"11 another ebbd is running on the state folder.\n");
}

enum options_next options_read(char *const *argv, struct options *ret_options, struct str *ret_text)
{
	struct options options = {0};
	struct why why;
	const struct flag flags[] = {
		{"config", "FILE",
			"the configuration; conf.d beside it counts too\n"
			"(else $EBB_CONFIG, else /etc/ebb/ebb.yaml)",
			&options.config, NULL},
		{"state", "DIR", "the state folder, whatever the configuration says",
			&options.state, NULL},
		{"foreground", NULL, "stay in the foreground, as it always does", NULL,
			&options.foreground},
		{"check", NULL, "say whether the configuration is right, and end", NULL,
			&options.check},
		{"version", NULL, "say the version, and end", NULL, &options.version},
		{"help", NULL, "say this, and end", NULL, &options.help},
	};
	enum { COUNT = sizeof(flags) / sizeof(*flags) };
	if (flags_read(flags, COUNT, argv, &why) != 0) {
		str_addf(ret_text, "ebbd: %s; see ebbd --help\n", why.text);
		return OPTIONS_WRONG;
	}
	*ret_options = options;
	if (options.help)
		add_help(flags, COUNT, ret_text);
	else if (options.version)
		str_add(ret_text, "ebbd " EBB_VERSION "\n");
	return options.help || options.version ? OPTIONS_SAY : OPTIONS_RUN;
}
