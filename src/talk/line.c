/* SPDX-License-Identifier: Apache-2.0 */
/* Words to a request line and back. */
#include "talk/line.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"

static bool must_be_coded(unsigned char byte)
{
	return byte <= ' ' || byte == '%' || byte == 0x7f;
}

static void add_word(struct str *line, const char *word)
{
	static const char digits[] = "0123456789ABCDEF";
	for (; *word; word++) {
		unsigned char byte = (unsigned char)*word;
		char coded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
		if (must_be_coded(byte))
			str_add_bytes(line, coded, sizeof(coded));
		else
			str_add_bytes(line, word, 1);
	}
}

int talk_line_make(const char *const *words, size_t count, struct str *ret_line, struct why *why)
{
	size_t start = ret_line->len;
	if (count == 0 || words[0][0] == '\0')
		return why_set(why, -EINVAL, "a request begins with a verb");
	if (count > TALK_WORDS_MAX)
		return why_set(why, -E2BIG, "a request has at most %d words", TALK_WORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (i)
			str_add(ret_line, " ");
		add_word(ret_line, words[i]);
	}
	str_add(ret_line, "\n");
	if (str_error(ret_line))
		return why_set(why, -ENOMEM, "out of memory");
	if (ret_line->len - start > TALK_LINE_MAX)
		return why_set(why, -E2BIG, "a request has at most %d bytes", TALK_LINE_MAX);
	return 0;
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

/* The byte that "%XX" at `from` stands for, or a negative errno. */
static int decode(const char *from, const char *end, size_t at, struct why *why)
{
	int high = end - from > 2 ? digit_value(from[1]) : -1;
	int low = high >= 0 ? digit_value(from[2]) : -1;
	if (low < 0)
		return why_set(
			why, -EINVAL, "byte %zu: '%%' needs two hexadecimal digits behind it", at);
	int byte = high * 16 + low;
	return byte ? byte : why_set(why, -EINVAL, "byte %zu: a word cannot hold %%00", at);
}

int talk_line_parse(char *line, size_t len, struct talk_words *ret_words, struct why *why)
{
	struct talk_words words = {.count = 1, .at = {line}};
	char *to = line;
	const char *end = line + len;
	for (const char *from = line; from < end; from++) {
		size_t at = (size_t)(from - line) + 1;
		int byte = (unsigned char)*from;
		if (byte == ' ') {
			if (words.count == TALK_WORDS_MAX)
				return why_set(why, -E2BIG, "a request has at most %d words",
					TALK_WORDS_MAX);
			*to++ = '\0';
			words.at[words.count++] = to;
			continue;
		}
		if (byte == '%') {
			byte = decode(from, end, at, why);
			if (byte < 0)
				return byte;
			from += 2;
		} else if (must_be_coded((unsigned char)byte)) {
			return why_set(why, -EINVAL,
				"byte %zu: the control character is to be written %%%02X", at,
				(unsigned)byte);
		}
		*to++ = (char)byte;
	}
	*to = '\0';
	if (words.at[0][0] == '\0')
		return why_set(why, -EINVAL, "a request begins with a verb");
	*ret_words = words;
	return 0;
}
