/* SPDX-License-Identifier: Apache-2.0 */
/* The file of profiles that AWS's tools write: [profile], then name = value. */
#include "place/aws.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"

enum { LINE = AWS_TOKEN + 256 };

static const char *const names[] = {
	[AWS_ACCESS_KEY] = "aws_access_key_id",
	[AWS_SECRET_KEY] = "aws_secret_access_key",
	[AWS_SESSION_TOKEN] = "aws_session_token",
};

static char *value_of(struct aws_keys *keys, enum aws_value which, size_t *ret_cap)
{
	*ret_cap = which == AWS_SESSION_TOKEN ? AWS_TOKEN : AWS_KEY;
	return which == AWS_ACCESS_KEY    ? keys->access_key
		: which == AWS_SECRET_KEY ? keys->secret_key
					  : keys->token;
}

/* What goes into a header or a signature is visible ASCII. */
static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text < 0x21 || *text > 0x7e)
			return false;
	return true;
}

int aws_keys_set(struct aws_keys *keys, enum aws_value which, const char *value, struct why *why)
{
	size_t cap;
	char *to = value_of(keys, which, &cap);
	if (!*value || strlen(value) >= cap || !is_visible(value))
		return why_set(
			why, -EINVAL, "%s is empty, too long or not plain text", names[which]);
	snprintf(to, cap, "%s", value);
	return 0;
}

void aws_keys_done(struct aws_keys *keys)
{
	explicit_bzero(keys, sizeof(*keys));
}

static char *trim(char *text)
{
	text += strspn(text, " \t\r");
	size_t len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static int read_line(
	char *line, const char *profile, bool *inside, struct aws_keys *keys, struct why *why)
{
	char *text = trim(line);
	size_t len = strlen(text);
	if (*text == '[') {
		if (len && text[len - 1] == ']')
			text[len - 1] = '\0';
		*inside = strcmp(trim(text + 1), profile) == 0;
		return 0;
	}
	char *equal = strchr(text, '=');
	if (!*inside || !equal || *text == '#' || *text == ';')
		return 0;
	*equal = '\0';
	char *name = trim(text), *value = trim(equal + 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return aws_keys_set(keys, (enum aws_value)i, value, why);
	return 0;
}

int aws_keys_read(const char *text, const char *profile, struct aws_keys *ret_keys, struct why *why)
{
	struct aws_keys keys = {0};
	char line[LINE];
	bool inside = false;
	int err = 0;
	for (size_t len; !err && *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len >= sizeof(line))
			return why_set(why, -EINVAL, "a line is too long");
		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		err = read_line(line, profile, &inside, &keys, why);
	}
	explicit_bzero(line, sizeof(line));
	if (!err && (!*keys.access_key || !*keys.secret_key))
		err = why_set(why, -ENOENT, "it has no keys for the profile '%.60s'", profile);
	if (!err)
		*ret_keys = keys;
	aws_keys_done(&keys);
	return err;
}
