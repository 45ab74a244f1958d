/* SPDX-License-Identifier: Apache-2.0 */
/* What every HTTP client has in common: answers. */
#include "os/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *http_answer_header(
	const struct http_answer *answer, const char *name, char *value, size_t cap)
{
	size_t len = strlen(name);
	for (const char *line = answer->headers; line && *line;) {
		size_t end = strcspn(line, "\n");
		if (end > len && line[len] == ':' && strncasecmp(line, name, len) == 0) {
			const char *from = line + len + 1, *to = line + end;
			while (from < to && (*from == ' ' || *from == '\t'))
				from++;
			while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
				to--;
			if ((size_t)(to - from) >= cap)
				return NULL;
			snprintf(value, cap, "%.*s", (int)(to - from), from);
			return value;
		}
		line += end + (line[end] == '\n');
	}
	return NULL;
}

void http_answer_done(struct http_answer *answer)
{
	free(answer->headers);
	free(answer->body);
	*answer = (struct http_answer){0};
}
