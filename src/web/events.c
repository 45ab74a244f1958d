/* SPDX-License-Identifier: Apache-2.0 */
/* A ring by number. */
#include "web/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

void events_begin(struct events *events, uint64_t boot)
{
	*events = (struct events){.next = boot * EVENTS_A_BOOT + 1};
}

static uint64_t oldest(const struct events *events)
{
	return events->next - events->count;
}

static void drop_oldest(struct events *events)
{
	struct event **at = &events->at[oldest(events) % EVENTS_MAX];
	events->bytes -= (*at)->len;
	events->count--;
	event_unref(*at);
	*at = NULL;
}

void events_done(struct events *events)
{
	while (events->count)
		drop_oldest(events);
}

void events_forget(struct events *events)
{
	events_done(events);
	events->next++;
}

void event_unref(struct event *event)
{
	if (event && --event->refs == 0)
		free(event);
}

int events_add(struct events *events, const char *type, const char *data)
{
	OWN(str_done) struct str text = {0};
	str_addf(&text, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", events->next, type, data);
	struct event *event = str_error(&text) ? NULL : malloc(sizeof(*event) + text.len);
	if (!event)
		return -ENOMEM;
	*event = (struct event){.id = events->next, .refs = 1, .len = text.len};
	memcpy(event->text, text.at, text.len);
	while (events->count &&
		(events->count == EVENTS_MAX || events->bytes + text.len > EVENTS_BYTES))
		drop_oldest(events);
	events->at[event->id % EVENTS_MAX] = event;
	events->next++;
	events->count++;
	events->bytes += text.len;
	return 0;
}

struct event *events_after(const struct events *events, uint64_t id)
{
	uint64_t wanted = id + 1 > oldest(events) ? id + 1 : oldest(events);
	if (wanted >= events->next || id >= events->next)
		return NULL;
	struct event *event = events->at[wanted % EVENTS_MAX];
	event->refs++;
	return event;
}

bool events_follow(const struct events *events, uint64_t id)
{
	return id < events->next && id + 1 >= oldest(events);
}

bool events_before_boot(const struct events *events, uint64_t id)
{
	return id / EVENTS_A_BOOT < events->next / EVENTS_A_BOOT;
}
