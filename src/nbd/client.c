/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options one after the other: structured replies, contexts, GO. Then requests, whose heads lie in
 * them, and chunks of answers. Names of sections are those of proto.md.
 */
#include "nbd/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/own.h"
#include "nbd/inner.h"

enum {
	CLIENT_INPUT = 64 << 10,
	OPT_GO = 7,
	OPT_STRUCTURED = 8,
	HEAD = 28,
	OUTPUT_ROOM = 2 * NBD_NAME_MAX,
	CHUNK_DONE = 1,
};

enum chunk { CHUNK_NONE = 0, CHUNK_DATA = 1, CHUNK_HOLE = 2, CHUNK_STATUS = 5 };
enum { CHUNK_ERRORS = 0x8000, CHUNK_ERROR_OFFSET = 0x8002 };

static const uint64_t option_magic = 0x49484156454F5054, reply_magic = 0x3e889045565a9;
static const uint32_t request_magic = 0x25609513, simple_magic = 0x67446698,
		      structured_magic = 0x668e33ef;

/* What comes next. */
enum client_at { GREETING, OPTION, REPLY };

struct nbd_client {
	struct nbd_client_options options;
	struct nbd_client_facts facts;
	uint32_t context_ids[NBD_CLIENT_CONTEXTS];
	enum nbd_client_state state;
	enum client_at at;
	uint32_t option; /* that was asked */
	bool structured, leaving;
	char why[96];
	struct nbd_asked *out[NBD_ASKED_MAX];
	unsigned out_count;
	uint64_t cookies;
	struct nbd_asked *queue, **queue_end; /* not sent whole yet, in order */
	size_t queue_sent;                    /* of the first */
	struct nbd_asked farewell;
	/* Bytes of a read that are received in place. */
	struct nbd_asked *filling;
	uint8_t *fill_at;
	size_t fill_left;
	bool fill_done; /* and with them the request is answered */
	size_t in_from, in_len;
	size_t say_len, said; /* of the handshake */
	uint8_t say[OUTPUT_ROOM];
	char name[NBD_NAME_MAX + 1];
	uint8_t in[CLIENT_INPUT];
};

struct nbd_client *nbd_client_new(const struct nbd_client_options *options)
{
	size_t len = strlen(options->name);
	struct nbd_client *client = len <= NBD_NAME_MAX ? calloc(1, sizeof(*client)) : NULL;
	must(options->context_count <= NBD_CLIENT_CONTEXTS);
	if (!client)
		return NULL;
	client->options = *options;
	memcpy(client->name, options->name, len + 1);
	client->queue_end = &client->queue;
	return client;
}

/* What came and is not taken yet. */
static const uint8_t *input(const struct nbd_client *client)
{
	return client->in + client->in_from;
}

static void answered(struct nbd_client *client, struct nbd_asked *asked, int err)
{
	client->out[asked->cookie % NBD_ASKED_MAX] = NULL;
	client->out_count--;
	if (asked->done)
		asked->done(asked, err);
}

/* Those of the queue that were never begun, as a list of their own. */
static struct nbd_asked *take_unbegun(struct nbd_client *client)
{
	struct nbd_asked *first = NULL, **end = &first;
	for (struct nbd_asked *at = client->queue; at; at = at->next) {
		if (at->cookie)
			continue;
		*end = at;
		end = &at->next;
	}
	*end = NULL;
	client->queue = NULL;
	client->queue_end = &client->queue;
	return first;
}

static void end_client(struct nbd_client *client, const char *why)
{
	if (client->state == NBD_CLIENT_ENDED)
		return;
	client->state = NBD_CLIENT_ENDED;
	snprintf(client->why, sizeof(client->why), "%s", why);
	client->filling = NULL;
	client->say_len = client->said = 0;
	struct nbd_asked *unbegun = take_unbegun(client);
	for (size_t i = 0; i < NBD_ASKED_MAX; i++)
		if (client->out[i])
			answered(client, client->out[i], -EPIPE);
	while (unbegun) {
		struct nbd_asked *asked = unbegun;
		unbegun = asked->next;
		asked->done(asked, -EPIPE);
	}
}

void nbd_client_free(struct nbd_client *client)
{
	if (!client)
		return;
	end_client(client, "closed");
	free(client);
}

enum nbd_client_state nbd_client_state(const struct nbd_client *client)
{
	return client->state;
}

const char *nbd_client_why(const struct nbd_client *client)
{
	return client->why;
}

const struct nbd_client_facts *nbd_client_facts(const struct nbd_client *client)
{
	return &client->facts;
}

void nbd_client_gone(struct nbd_client *client, const char *why)
{
	end_client(client, why);
}

/* ---- asking ---- */

static void write_head(struct nbd_asked *asked, uint16_t command, uint64_t cookie)
{
	uint8_t *at = put32(asked->head, request_magic);
	at = put16(at, asked->flags);
	at = put16(at, command);
	at = put64(at, cookie);
	at = put64(at, asked->offset);
	put32(at, asked->length);
}

static uint16_t command_of(enum nbd_type type)
{
	return (uint16_t)type;
}

/* Gives those that wait a cookie, as many as may be out. */
static void begin_queue(struct nbd_client *client)
{
	if (client->state != NBD_CLIENT_READY)
		return;
	for (struct nbd_asked *at = client->queue; at; at = at->next) {
		if (at->cookie || at == &client->farewell)
			continue;
		if (client->out_count == NBD_ASKED_MAX)
			return;
		do
			client->cookies++;
		while (client->out[client->cookies % NBD_ASKED_MAX]);
		at->cookie = client->cookies;
		client->out[at->cookie % NBD_ASKED_MAX] = at;
		client->out_count++;
		write_head(at, command_of(at->type), at->cookie);
	}
}

static void enqueue(struct nbd_client *client, struct nbd_asked *asked)
{
	asked->next = NULL;
	*client->queue_end = asked;
	client->queue_end = &asked->next;
}

void nbd_client_ask(struct nbd_client *client, struct nbd_asked *asked)
{
	asked->cookie = 0;
	asked->have = 0;
	asked->err = 0;
	if (client->state == NBD_CLIENT_ENDED || client->leaving) {
		asked->done(asked, -EPIPE);
		return;
	}
	enqueue(client, asked);
	begin_queue(client);
}

static void say_farewell(struct nbd_client *client)
{
	if (!client->leaving || client->queue || client->out_count ||
		client->state != NBD_CLIENT_READY || client->farewell.cookie)
		return;
	client->farewell.cookie = ++client->cookies;
	write_head(&client->farewell, DISC, client->farewell.cookie);
	enqueue(client, &client->farewell);
}

void nbd_client_leave(struct nbd_client *client)
{
	client->leaving = true;
	say_farewell(client);
}

unsigned nbd_client_waiting(const struct nbd_client *client, struct iovec *ret_parts, unsigned most)
{
	unsigned count = 0;
	size_t skip = client->queue_sent;
	if (client->say_len > client->said && most)
		ret_parts[count++] = (struct iovec){
			(uint8_t *)(uintptr_t)client->say + client->said,
			client->say_len - client->said};
	for (struct nbd_asked *at = client->queue; at && at->cookie && count < most;
		at = at->next) {
		size_t payload = at->type == NBD_WRITE ? at->length : 0;
		if (skip < HEAD)
			ret_parts[count++] = (struct iovec){at->head + skip, HEAD - skip};
		skip = skip > HEAD ? skip - HEAD : 0;
		if (payload > skip && count < most)
			ret_parts[count++] = (struct iovec){at->bytes + skip, payload - skip};
		skip = 0;
	}
	return count;
}

void nbd_client_sent(struct nbd_client *client, size_t len)
{
	size_t said = client->say_len - client->said;
	said = said < len ? said : len;
	client->said += said;
	if (client->said == client->say_len)
		client->said = client->say_len = 0;
	client->queue_sent += len - said;
	while (client->queue && client->queue->cookie) {
		const struct nbd_asked *first = client->queue;
		size_t whole = HEAD + (first->type == NBD_WRITE ? first->length : 0);
		if (client->queue_sent < whole)
			break;
		client->queue_sent -= whole;
		client->queue = first->next;
	}
	if (!client->queue)
		client->queue_end = &client->queue;
}

/* ---- the handshake: "Fixed newstyle negotiation" ---- */

static uint8_t *say_option(struct nbd_client *client, uint32_t option, size_t len)
{
	uint8_t *at = client->say + client->say_len;
	must(client->say_len + 16 + len <= sizeof(client->say));
	client->say_len += 16 + len;
	client->option = option;
	client->at = OPTION;
	at = put64(at, option_magic);
	at = put32(at, option);
	return put32(at, (uint32_t)len);
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	size_t len = strlen(text);
	at = put32(at, (uint32_t)len);
	memcpy(at, text, len);
	return at + len;
}

static void say_contexts(struct nbd_client *client)
{
	size_t len = 4 + strlen(client->name) + 4;
	for (unsigned i = 0; i < client->options.context_count; i++)
		len += 4 + strlen(client->options.contexts[i]);
	uint8_t *at = say_option(client, SET_META_CONTEXT, len);
	at = put_text(at, client->name);
	at = put32(at, client->options.context_count);
	for (unsigned i = 0; i < client->options.context_count; i++)
		at = put_text(at, client->options.contexts[i]);
}

static void say_go(struct nbd_client *client)
{
	uint8_t *at = say_option(client, OPT_GO, 4 + strlen(client->name) + 2);
	put16(put_text(at, client->name), 0);
}

/* 1: taken, 0: more must come first, -1: the connection has ended. */
static int take_greeting(struct nbd_client *client, size_t *ret_used)
{
	const uint8_t *in = input(client);
	if (client->in_len < 18)
		return 0;
	uint16_t flags = be16(in + 16);
	if (memcmp(in, "NBDMAGIC", 8) != 0 || be64(in + 8) != option_magic || !(flags & 1)) {
		end_client(client, "it does not speak NBD as it is negotiated today");
		return -1;
	}
	put32(client->say, flags & 3);
	client->say_len = 4;
	say_option(client, OPT_STRUCTURED, 0);
	*ret_used = 18;
	return 1;
}

static void note_info(struct nbd_client *client, const uint8_t *data, size_t len)
{
	enum { INFO_EXPORT = 0, FLAG_READ_ONLY = 2, FLAG_FLUSH = 4, FLAG_ZEROES = 64 };
	if (len < 12 || be16(data) != INFO_EXPORT)
		return;
	uint16_t flags = be16(data + 10);
	client->facts.size = be64(data + 2);
	client->facts.read_only = flags & FLAG_READ_ONLY;
	client->facts.can_flush = flags & FLAG_FLUSH;
	client->facts.can_zero = flags & FLAG_ZEROES;
}

static void note_context(struct nbd_client *client, const uint8_t *data, size_t len)
{
	for (unsigned i = 0; len > 4 && i < client->options.context_count; i++) {
		const char *name = client->options.contexts[i];
		if (strlen(name) != len - 4 || memcmp(name, data + 4, len - 4) != 0)
			continue;
		client->facts.contexts |= 1U << i;
		client->context_ids[i] = be32(data);
	}
}

/* An option is dealt with: what comes after it. */
static void next_option(struct nbd_client *client, uint32_t type)
{
	bool acked = type == ACK;
	switch (client->option) {
	case OPT_STRUCTURED:
		client->structured = acked;
		if (acked && client->options.context_count)
			say_contexts(client);
		else
			say_go(client);
		return;
	case SET_META_CONTEXT:
		say_go(client);
		return;
	default:
		break;
	}
	if (acked) {
		client->state = NBD_CLIENT_READY;
		client->at = REPLY;
		begin_queue(client);
	} else if (type == ERR_UNKNOWN) {
		end_client(client, "there is no export of that name");
	} else if (type == ERR_TLS_REQD) {
		end_client(client, "it wants TLS");
	} else {
		end_client(client, "it refused the export");
	}
}

static int take_option(struct nbd_client *client, size_t *ret_used)
{
	enum { OPTION_HEAD = 20 };
	if (client->in_len < OPTION_HEAD)
		return 0;
	const uint8_t *in = input(client);
	uint32_t type = be32(in + 12), len = be32(in + 16);
	if (be64(in) != reply_magic || be32(in + 8) != client->option ||
		len > sizeof(client->in) - OPTION_HEAD) {
		end_client(client, "it answered an option with something else");
		return -1;
	}
	if (client->in_len < OPTION_HEAD + len)
		return 0;
	*ret_used = OPTION_HEAD + len;
	if (type == REPLY_INFO)
		note_info(client, in + OPTION_HEAD, len);
	else if (type == META_CONTEXT)
		note_context(client, in + OPTION_HEAD, len);
	else
		next_option(client, type);
	return client->state == NBD_CLIENT_ENDED ? -1 : 1;
}

/* ---- answers: "Transmission phase" ---- */

static int errno_of(uint32_t error)
{
	switch (error) {
	case EPERM_:
		return -EPERM;
	case ENOMEM_:
		return -ENOMEM;
	case EINVAL_:
		return -EINVAL;
	case ENOSPC_:
		return -ENOSPC;
	case ENOTSUP_:
		return -EOPNOTSUPP;
	case ESHUTDOWN_:
		return -ESHUTDOWN;
	default:
		return -EIO;
	}
}

static struct nbd_asked *asked_of(const struct nbd_client *client, uint64_t cookie)
{
	struct nbd_asked *asked = client->out[cookie % NBD_ASKED_MAX];
	return asked && asked->cookie == cookie ? asked : NULL;
}

static int wrong(struct nbd_client *client)
{
	end_client(client, "it broke the protocol");
	return -1;
}

/* The bytes that follow go where the read wants them. */
static void fill(struct nbd_client *client, struct nbd_asked *asked, uint64_t at, size_t len)
{
	client->filling = asked;
	client->fill_at = asked->bytes + at;
	client->fill_left = len;
	asked->have += len;
}

static int finish(struct nbd_client *client, struct nbd_asked *asked)
{
	int err = asked->err;
	if (!err && asked->type == NBD_READ && asked->have != asked->length)
		return wrong(client);
	answered(client, asked, err);
	begin_queue(client);
	say_farewell(client);
	return 1;
}

static int take_simple(struct nbd_client *client, size_t *ret_used)
{
	enum { SIMPLE_HEAD = 16 };
	if (client->in_len < SIMPLE_HEAD)
		return 0;
	uint32_t error = be32(input(client) + 4);
	struct nbd_asked *asked = asked_of(client, be64(input(client) + 8));
	if (!asked || (client->structured && !error && asked->type == NBD_READ) ||
		(!error && asked->type == NBD_STATUS))
		return wrong(client);
	*ret_used = SIMPLE_HEAD;
	asked->err = error ? errno_of(error) : 0;
	if (error || asked->type != NBD_READ)
		return finish(client, asked);
	fill(client, asked, 0, asked->length);
	client->fill_done = true;
	return 1;
}

static void tell_extents(
	struct nbd_client *client, struct nbd_asked *asked, const uint8_t *at, size_t len)
{
	uint32_t id = be32(at);
	for (unsigned i = 0; i < client->options.context_count; i++) {
		if (!(client->facts.contexts >> i & 1) || client->context_ids[i] != id)
			continue;
		for (size_t n = 4; n + 8 <= len; n += 8)
			asked->on_extent(asked, i, be32(at + n), be32(at + n + 4));
	}
}

/* A chunk that is there whole. */
static int take_chunk(struct nbd_client *client, struct nbd_asked *asked, uint16_t type,
	const uint8_t *data, size_t len)
{
	uint64_t at;
	switch (type) {
	case CHUNK_NONE:
		return len ? wrong(client) : 1;
	case CHUNK_HOLE:
		at = len == 12 ? be64(data) - asked->offset : UINT64_MAX;
		if (asked->type != NBD_READ || at > asked->length ||
			be32(data + 8) > asked->length - at)
			return wrong(client);
		memset(asked->bytes + at, 0, be32(data + 8));
		asked->have += be32(data + 8);
		return 1;
	case CHUNK_STATUS:
		if (asked->type != NBD_STATUS || len < 12 || len % 8 != 4)
			return wrong(client);
		tell_extents(client, asked, data, len);
		return 1;
	default:
		if (!(type & CHUNK_ERRORS) || len < 6)
			return wrong(client);
		asked->err = errno_of(be32(data));
		return 1;
	}
}

static int take_structured(struct nbd_client *client, size_t *ret_used)
{
	enum { STRUCTURED_HEAD = 20, DATA_HEAD = 8 };
	const uint8_t *in = input(client);
	if (client->in_len < STRUCTURED_HEAD)
		return 0;
	bool last = be16(in + 4) & CHUNK_DONE;
	uint16_t type = be16(in + 6);
	uint32_t len = be32(in + 16);
	struct nbd_asked *asked = asked_of(client, be64(in + 8));
	if (!asked || !client->structured)
		return wrong(client);
	if (type == CHUNK_DATA) {
		if (client->in_len < STRUCTURED_HEAD + DATA_HEAD)
			return 0;
		uint64_t at = be64(in + STRUCTURED_HEAD) - asked->offset;
		if (asked->type != NBD_READ || len < DATA_HEAD || at > asked->length ||
			len - DATA_HEAD > asked->length - at)
			return wrong(client);
		*ret_used = STRUCTURED_HEAD + DATA_HEAD;
		fill(client, asked, at, len - DATA_HEAD);
		client->fill_done = last;
		return 1;
	}
	if (len > sizeof(client->in) - STRUCTURED_HEAD)
		return wrong(client);
	if (client->in_len < STRUCTURED_HEAD + len)
		return 0;
	*ret_used = STRUCTURED_HEAD + len;
	int more = take_chunk(client, asked, type, in + STRUCTURED_HEAD, len);
	return more > 0 && last ? finish(client, asked) : more;
}

static int take_answer(struct nbd_client *client, size_t *ret_used)
{
	if (client->in_len < 4)
		return 0;
	uint32_t magic = be32(input(client));
	if (magic == simple_magic)
		return take_simple(client, ret_used);
	return magic == structured_magic ? take_structured(client, ret_used) : wrong(client);
}

/* ---- bytes ---- */

struct iovec nbd_client_room(struct nbd_client *client)
{
	if (client->filling && !client->in_len)
		return (struct iovec){client->fill_at, client->fill_left};
	if (client->in_from)
		memmove(client->in, input(client), client->in_len);
	client->in_from = 0;
	return (struct iovec){client->in + client->in_len, sizeof(client->in) - client->in_len};
}

/* The bytes of a read are all there. */
static int filled(struct nbd_client *client)
{
	struct nbd_asked *asked = TAKE(client->filling);
	return client->fill_done ? finish(client, asked) : 1;
}

/* Bytes of a read that came with what was before them. */
static int fill_from_input(struct nbd_client *client, size_t *ret_used)
{
	size_t n = client->fill_left < client->in_len ? client->fill_left : client->in_len;
	memcpy(client->fill_at, input(client), n);
	client->fill_at += n;
	client->fill_left -= n;
	*ret_used = n;
	return client->fill_left ? 0 : filled(client);
}

static int take_one(struct nbd_client *client, size_t *ret_used)
{
	if (client->filling)
		return fill_from_input(client, ret_used);
	switch (client->at) {
	case GREETING:
		return take_greeting(client, ret_used);
	case OPTION:
		return take_option(client, ret_used);
	case REPLY:
	default:
		return take_answer(client, ret_used);
	}
}

void nbd_client_came(struct nbd_client *client, size_t len)
{
	int more = 1;
	if (client->state == NBD_CLIENT_ENDED)
		return;
	if (client->filling && !client->in_len) {
		client->fill_at += len;
		client->fill_left -= len;
		if (!client->fill_left)
			(void)filled(client);
		return;
	}
	client->in_len += len;
	while (more > 0) {
		size_t used = 0;
		more = take_one(client, &used);
		client->in_from += used;
		client->in_len -= used;
	}
}
