/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any words, parted by newlines, are understood whole or refused with a sentence that a terminal
 * can show.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/utf8.h"
#include "base/why.h"
#include "ebb/args.h"

enum { WORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_sentence(const char *text)
{
	must(*text);
	for (size_t size; *text; text += size) {
		uint32_t code;
		size = utf8_take(text, strlen(text), &code);
		must(size && utf8_is_shown(code));
	}
}

static void check_understood(const struct args *args)
{
	size_t max = args->command ? args->command->operand.max : 1;
	must(args->operand_count <= max);
	for (enum option_id id = 0; args->command && id < OPTIONS; id++)
		must(!args_given(args, id) || command_takes(args->command, id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(own_free) char *copy = malloc(len + 1);
	const char *words[WORDS_MAX];
	size_t count = 0;
	struct args args = {0};
	struct why why = {0};
	must(copy);
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	for (char *at = copy; at && count < WORDS_MAX;) {
		char *end = strchr(at, '\n');
		if (end)
			*end++ = '\0';
		words[count++] = at;
		at = end;
	}
	if (args_parse(words, count, &args, &why))
		check_sentence(why.text);
	else
		check_understood(&args);
	return 0;
}
