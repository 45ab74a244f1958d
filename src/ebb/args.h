/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a command line to a command with its options and operands, by the table. Pure and total:
 * any words are either understood whole or refused with a sentence.
 *
 * Options may stand anywhere, as --name VALUE or --name=VALUE; behind "--" all is operand. No name
 * may be shortened: a script's --st would change its meaning with the next option added.
 *
 * Any thread.
 */
#ifndef EBB_EBB_ARGS_H
#define EBB_EBB_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "ebb/command.h"

struct why;

/* Operands of a call, and values of options that may be given several times, all together. */
enum { OPERANDS_MAX = 64, REPEATED_MAX = 256 };

struct repeated {
	enum option_id id;
	const char *value;
};

/* Borrows the words that it was made from. */
struct args {
	const struct command *command; /* NULL: --help alone, or with a noun in operands[0] */
	/* NULL: not given; a flag that is given: ""; of one given several times the first. */
	const char *values[OPTIONS];
	struct repeated repeated[REPEATED_MAX]; /* of options that may be, in order */
	size_t repeated_count;
	const char *operands[OPERANDS_MAX];
	size_t operand_count;
};

/* `words` without the program's own name. 0, or -EINVAL and a sentence that ends in where to look.
 */
int args_parse(const char *const *words, size_t count, struct args *ret_args, struct why *why);

static inline bool args_given(const struct args *args, enum option_id option)
{
	return args->values[option] != NULL;
}

/*
 * The values of an option that may be given several times, in the order in which they came: *at
 * begins at 0. NULL at the end.
 */
const char *args_next(const struct args *args, enum option_id option, size_t *at);

#endif
