/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are entries with good names and whole contents, or refused. */
#include <string.h>

#include "base/must.h"
#include "source/tar.h"

struct input {
	const uint8_t *at;
	size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* In pieces of odd sizes, as a net gives them. */
static ssize_t take(void *arg, void *bytes, size_t len, struct why *why)
{
	struct input *input = arg;
	(void)why;
	if (len > 700)
		len = 700;
	if (len > input->left)
		len = input->left;
	if (len)
		memcpy(bytes, input->at, len);
	input->at += len;
	input->left -= len;
	return (ssize_t)len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input input = {data, len};
	struct tar_entry entry;
	struct tar tar;
	uint8_t bytes[1000];
	tar_init(&tar, take, &input, NULL);
	while (tar_next(&tar, &entry) == 1) {
		uint64_t at = 0;
		ssize_t n;
		must(entry.name[0] && entry.name[0] != '/' && !strstr(entry.name, "//"));
		must(strcmp(entry.name, "..") != 0 && !strstr(entry.name, "/../"));
		while ((n = file_read_at(&tar.content, bytes, sizeof(bytes), at)) > 0)
			at += (uint64_t)n;
		must(n < 0 || at == entry.meta.size);
	}
	return 0;
}
