/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands, each a row of one table. From it come the parser, help, the manual page and the
 * completions: what is not in the table does not exist, and what is there is everywhere.
 *
 * Any thread.
 */
#ifndef EBB_EBB_COMMAND_H
#define EBB_EBB_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;

/* What may stand where a value is wanted. */
enum value_kind {
	VALUE_NONE, /* an option that takes none */
	VALUE_FILE,
	VALUE_FOLDER,
	VALUE_WORD,    /* one of `words` */
	VALUE_COMMAND, /* the words of a command */
	VALUE_TEXT,    /* anything */
};

enum option_id {
	OPTION_CONFIG,
	OPTION_STATE,
	OPTION_EXIT,
	OPTION_REPO,
	OPTION_ALSO,
	OPTION_LIKE,
	OPTION_PACK_SIZE,
	OPTION_LOCK,
	OPTION_ALL,
	OPTION_KEY_FILE,
	OPTION_PASSWORD_COMMAND,
	OPTION_PASSPHRASE,
	OPTION_SECRET,
	OPTION_RECOVERY,
	OPTION_WRITE_ONLY,
	OPTION_LABEL,
	OPTION_NEW_KEY_FILE,
	OPTION_NEW_PASSWORD_FILE,
	OPTION_GENERATION,
	OPTION_EXCLUDE,
	OPTION_EXCLUDE_FILE,
	OPTION_EXCLUDE_CACHES,
	OPTION_ONE_FILE_SYSTEM,
	OPTION_FULL,
	OPTION_DIFFERENTIAL,
	OPTION_CHANGED,
	OPTION_CHECK_CHANGED,
	OPTION_FOLD,
	OPTION_STDIN,
	OPTION_STDIN_NAME,
	OPTION_COMMAND,
	OPTION_STDOUT,
	OPTION_POSTGRES,
	OPTION_NAME,
	OPTION_TIMELINE,
	OPTION_TABLESPACES,
	OPTION_BEFORE,
	OPTION_AFTER,
	OPTION_HOOK_ARG,
	OPTION_HOOK_TIMEOUT,
	OPTION_LIMIT,
	OPTION_LIMIT_FILE,
	OPTION_PRICE,
	OPTION_PROGRESS,
	OPTION_PATH,
	OPTION_NO_OWNER,
	OPTION_IN_PLACE,
	OPTION_DELETE,
	OPTION_NBD,
	OPTION_TO,
	OPTION_SERVE,
	OPTION_REPAIR,
	OPTION_FROM,
	OPTION_SAMPLE,
	OPTION_NEW,
	OPTION_REBUILD,
	OPTION_LISTED,
	OPTION_INTO,
	OPTION_CALENDAR,
	OPTION_FOR,
	OPTION_RESOURCE,
	OPTION_HOST,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_KEEP_LAST,
	OPTION_KEEP_HOURLY,
	OPTION_KEEP_DAILY,
	OPTION_KEEP_WEEKLY,
	OPTION_KEEP_MONTHLY,
	OPTION_KEEP_YEARLY,
	OPTION_KEEP_WITHIN,
	OPTION_UTC,
	OPTION_SOAK,
	OPTION_METRIC,
	OPTION_HORIZON,
	OPTION_QUANTILES,
	OPTION_PATHS,
	OPTION_PROMETHEUS,
	OPTION_SERIES,
	OPTION_MATCH,
	OPTION_TIME,
	OPTION_VALUE,
	OPTION_DAYS,
	OPTION_SVG,
	OPTION_DATA,
	OPTION_KEEP,
	OPTION_RPO,
	OPTION_PROPOSE,
	OPTION_YES,
	OPTION_DRY_RUN,
	OPTION_JSON,
	OPTION_NO_COLOR,
	OPTION_HELP,
	OPTION_VERSION, /* stands where a command could, and means that one */
	OPTIONS
};

struct option {
	const char *name; /* without its dashes */
	char letter;      /* 0: none */
	enum value_kind kind;
	const char *value; /* how help calls the value, NULL for VALUE_NONE */
	const char *help;
	bool many; /* may be given several times: args_next() */
};

struct operand {
	const char *name; /* how help calls it; NULL: the command takes none */
	enum value_kind kind;
	bool optional;
	size_t max; /* so many of them */
	const char *const *words;
};

struct example {
	const char *line;
	const char *text;
};

enum { EXAMPLES_MAX = 3 };

struct command {
	const char *noun;
	const char *verb; /* NULL: the noun alone is the command */
	const char *help; /* one line, beginning small, without a full stop */
	const char *details;
	struct operand operand;
	unsigned __int128 options; /* bits 1 << enum option_id */
	struct example examples[EXAMPLES_MAX];
	int (*run)(const struct call *call); /* an exit code */
};

extern const struct option options[OPTIONS];
extern const struct command commands[];
extern const size_t command_count;

static inline bool command_takes(const struct command *command, enum option_id option)
{
	return command->options >> option & 1;
}

/* Words that name a command, at most: "config check". */
enum { COMMAND_WORDS = 2 };

/* "config check" */
enum { COMMAND_NAME = 64 };
const char *command_name(const struct command *command, char name[COMMAND_NAME]);

/* "config check [FILE]" */
const char *command_synopsis(const struct command *command, char synopsis[COMMAND_NAME]);

/* "--state DIR" */
const char *option_synopsis(const struct option *option, char synopsis[COMMAND_NAME]);

/* The first command of that noun, NULL when there is none. */
const struct command *command_of_noun(const char *noun);

/* NULL when there is none. `verb` NULL: the command that is its noun alone. */
const struct command *command_find(const char *noun, const char *verb);

/* Is this the first row of its noun? */
bool command_is_first(const struct command *command);

/* Text for the environment section of help and the manual. */
struct variable {
	const char *name, *text;
};
extern const struct variable variables[]; /* the last has name NULL */

#define EBB_TAGLINE "predictive data protection for Linux"

#endif
