/* SPDX-License-Identifier: Apache-2.0 */
/* A walk through lines and words, and numbers that fit. */
#include "os/linux/words.h"

#include <string.h>

#include "base/bytes.h"

bool words_line(struct words *words)
{
	if (!*words->next)
		return false;
	words->at = words->next;
	words->end = strchrnul(words->at, '\n');
	words->next = *words->end ? words->end + 1 : words->end;
	words->line++;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t words_next(struct words *words, char stop, const char **ret_word)
{
	while (words->at < words->end && is_blank(*words->at))
		words->at++;
	*ret_word = words->at;
	while (words->at < words->end && !is_blank(*words->at) && *words->at != stop)
		words->at++;
	return (size_t)(words->at - *ret_word);
}

bool words_take(struct words *words, const char *text)
{
	size_t len = strlen(text);
	if ((size_t)(words->end - words->at) < len || memcmp(words->at, text, len) != 0)
		return false;
	words->at += len;
	return true;
}

bool words_number(struct words *words, uint64_t *ret_value)
{
	const char *word;
	uint64_t value = 0;
	size_t len = words_next(words, ' ', &word);
	for (size_t i = 0; i < len; i++)
		if (word[i] < '0' || word[i] > '9' || !mul_fits(value, 10u, &value) ||
			!add_fits(value, (unsigned)(word[i] - '0'), &value))
			return false;
	*ret_value = value;
	return len > 0;
}

bool words_numbers(struct words *words, size_t count, uint64_t *ret_values)
{
	for (size_t i = 0; i < count; i++)
		if (!words_number(words, &ret_values[i]))
			return false;
	return true;
}
