/* SPDX-License-Identifier: Apache-2.0 */
/* What waits to be sent: our own bytes, and bytes of others by reference. */
#include "base/must.h"
#include "nbd/inner.h"

static const uint8_t zeros[64 << 10];

static struct segment *last(struct output *out)
{
	return out->count ? &out->segments[out->first + out->count - 1] : NULL;
}

/* Each slot brings a bounded number of segments, so that there is room when they are moved up. */
static struct segment *add(struct output *out)
{
	if (out->first + out->count == SEGMENTS) {
		must(out->first);
		memmove(out->segments, out->segments + out->first,
			out->count * sizeof(*out->segments));
		out->first = 0;
	}
	struct segment *segment = &out->segments[out->first + out->count++];
	*segment = (struct segment){.slot = -1};
	return segment;
}

uint8_t *out_room(struct output *out, size_t len)
{
	struct segment *segment = last(out);
	must(len <= out_free(out));
	if (!segment || !segment->ours) {
		segment = add(out);
		segment->at = out->bytes + out->len;
		segment->ours = true;
	}
	segment->len += (uint32_t)len;
	out->len += len;
	out->ours += len;
	out->waiting += len;
	return out->bytes + out->len - len;
}

void out_undo(struct output *out, size_t len)
{
	struct segment *segment = last(out);
	must(segment && segment->ours && segment->len >= len);
	segment->len -= (uint32_t)len;
	if (!segment->len)
		out->count--;
	out->len -= len;
	out->ours -= len;
	out->waiting -= len;
}

void out_lend(struct output *out, const uint8_t *bytes, size_t len)
{
	struct segment *segment = add(out);
	segment->at = bytes;
	segment->len = (uint32_t)len;
	out->waiting += len;
}

void out_mark(struct output *out, unsigned slot)
{
	struct segment *segment = last(out);
	must(segment && !segment->ours);
	segment->slot = (int16_t)slot;
}

/* One segment of zeros may take several parts. */
unsigned out_parts(const struct output *out, struct iovec *ret_parts, unsigned most)
{
	unsigned n = 0;
	for (unsigned i = 0; i < out->count; i++) {
		const struct segment *segment = &out->segments[out->first + i];
		const uint8_t *at = segment->at;
		for (size_t left = segment->len; left;) {
			size_t len = at || left < sizeof(zeros) ? left : sizeof(zeros);
			if (n == most)
				return n;
			/* They are only sent; iovec has no way to say so. */
			ret_parts[n++] = (struct iovec){(void *)(uintptr_t)(at ? at : zeros), len};
			left -= len;
		}
	}
	return n;
}

static void segment_sent(struct nbd *nbd, const struct segment *segment)
{
	if (segment->slot < 0)
		return;
	struct slot *slot = &nbd->slots[segment->slot];
	if (slot->state == KEPT)
		nbd->released[nbd->released_count++] = (uint16_t)segment->slot;
	else
		slot_free(nbd, slot);
}

void out_sent(struct nbd *nbd, size_t len)
{
	struct output *out = &nbd->out;
	must(len <= out->waiting && !nbd->room_of);
	out->waiting -= len;
	while (len) {
		struct segment *segment = &out->segments[out->first];
		uint32_t n = len < segment->len ? (uint32_t)len : segment->len;
		if (segment->at)
			segment->at += n;
		if (segment->ours)
			out->ours -= n;
		segment->len -= n;
		len -= n;
		if (segment->len)
			break;
		out->first++;
		out->count--;
		segment_sent(nbd, segment);
	}
	if (!out->ours)
		out->len = 0;
	if (!out->count)
		out->first = 0;
}

void out_drop(struct nbd *nbd)
{
	out_sent(nbd, nbd->out.waiting);
}
