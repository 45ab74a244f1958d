/* SPDX-License-Identifier: Apache-2.0 */
/* Each class is four times the one before. */
#include "ebb-vold/buffers.h"

#include <stdlib.h>

#include "base/must.h"

enum { PAGE = 4096 };

static unsigned class_of(size_t len)
{
	unsigned class = 0;
	while ((size_t)PAGE << 2 * class < len)
		class ++;
	must(class < BUFFER_CLASSES);
	return class;
}

void *buffers_take(struct buffers *buffers, size_t len, size_t out_max)
{
	unsigned class = class_of(len);
	size_t size = (size_t)PAGE << 2 * class;
	struct buffer *buffer = buffers->free[class];
	if (buffers->out && buffers->out + size > out_max)
		return NULL;
	if (buffer) {
		buffers->free[class] = buffer->next;
		buffers->kept -= size;
	} else {
		buffer = aligned_alloc(PAGE, size);
	}
	if (buffer)
		buffers->out += size;
	return buffer;
}

void buffers_give(struct buffers *buffers, void *memory, size_t len)
{
	unsigned class = class_of(len);
	size_t size = (size_t)PAGE << 2 * class;
	struct buffer *buffer = memory;
	if (!buffer)
		return;
	buffers->out -= size;
	if (buffers->kept + size > buffers->kept_max) {
		free(buffer);
		return;
	}
	buffer->next = buffers->free[class];
	buffers->free[class] = buffer;
	buffers->kept += size;
}

void buffers_done(struct buffers *buffers)
{
	for (unsigned i = 0; i < BUFFER_CLASSES; i++)
		while (buffers->free[i]) {
			struct buffer *next = buffers->free[i]->next;
			free(buffers->free[i]);
			buffers->free[i] = next;
		}
}
