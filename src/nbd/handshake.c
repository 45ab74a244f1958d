/* SPDX-License-Identifier: Apache-2.0 */
/* Options: what there is to serve, and how. Numbers are those of proto.md, "Option types". */
#include "base/must.h"
#include "nbd/inner.h"

#define REPLY_MAGIC UINT64_C(0x3e889045565a9)

enum option {
	EXPORT_NAME = 1,
	ABORT = 2,
	LIST = 3,
	STARTTLS = 5,
	INFO = 6,
	GO = 7,
	STRUCTURED_REPLY = 8,
	EXTENDED_HEADERS = 11,
};

enum info { INFO_EXPORT, INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE, INFO_COUNT };

enum {
	HAS_FLAGS = 1 << 0,
	READ_ONLY = 1 << 1,
	SEND_FLUSH = 1 << 2,
	SEND_FUA = 1 << 3,
	ROTATIONAL = 1 << 4,
	SEND_TRIM = 1 << 5,
	SEND_WRITE_ZEROES = 1 << 6,
	SEND_DF = 1 << 7,
	CAN_MULTI_CONN = 1 << 8,
	SEND_CACHE = 1 << 10,
	SEND_FAST_ZERO = 1 << 11,
	BLOCK_STATUS_PAYLOAD = 1 << 12,
	ZEROES = 124, /* behind the answer to EXPORT_NAME, for clients of old */
	ADVERTISED_MAX = 32 << 20,
};

uint8_t *option_reply(struct nbd *nbd, uint32_t option, uint32_t type, size_t len)
{
	uint8_t *at = out_room(&nbd->out, 20 + len);
	at = put64(at, REPLY_MAGIC);
	at = put32(at, option);
	at = put32(at, type);
	return put32(at, (uint32_t)len);
}

void option_too_big(struct nbd *nbd, uint32_t option)
{
	if (option == EXPORT_NAME)
		end(nbd, "no export has so long a name");
	else
		option_reply(nbd, option, ERR_TOO_BIG, 0);
}

bool option_name(struct nbd *nbd, const uint8_t *at, size_t len)
{
	if (len > NBD_NAME_MAX || memchr(at, 0, len))
		return false;
	memcpy(nbd->name, at, len);
	nbd->name[len] = 0;
	return true;
}

/* The export of the name in hand, held: the one whose contexts were chosen, or a fresh one. */
static const struct nbd_export *get_export(struct nbd *nbd)
{
	const struct nbd_export *export = nbd->context_of;
	if (!export || strcmp(nbd->context_name, nbd->name) != 0)
		return nbd->exports->ops->get(nbd->exports, nbd->name);
	nbd->context_of = NULL;
	return export;
}

static uint16_t flags_of(const struct nbd *nbd, const struct nbd_export *export)
{
	unsigned flags = HAS_FLAGS | SEND_FLUSH | SEND_FUA | SEND_CACHE;
	flags |= export->read_only ? READ_ONLY : SEND_TRIM | SEND_WRITE_ZEROES;
	if (export->rotational)
		flags |= ROTATIONAL;
	if (export->shared)
		flags |= CAN_MULTI_CONN;
	if (export->fast_zero && !export->read_only)
		flags |= SEND_FAST_ZERO;
	if (nbd->structured || nbd->extended)
		flags |= SEND_DF;
	if (nbd->extended && nbd->contexts)
		flags |= BLOCK_STATUS_PAYLOAD;
	return (uint16_t)flags;
}

static void begin(struct nbd *nbd, const struct nbd_export *export, bool contexts)
{
	if (!contexts)
		nbd->contexts = 0;
	nbd->export = export;
	nbd->state = AT_COMMAND;
}

static void export_name(struct nbd *nbd, const uint8_t *data, size_t len)
{
	const struct nbd_export *export = NULL;
	bool chosen = nbd->context_of;
	if (!nbd->extended && !nbd->shut && option_name(nbd, data, len))
		export = get_export(nbd);
	if (!export) {
		end(nbd, "EXPORT_NAME, and there is no such export for it");
		return;
	}
	size_t zeroes = nbd->no_zeroes ? 0 : ZEROES;
	uint8_t *at = out_room(&nbd->out, 10 + zeroes);
	at = put64(at, export->size);
	at = put16(at, flags_of(nbd, export));
	memset(at, 0, zeroes);
	begin(nbd, export, chosen && !nbd->context_of);
}

/* How much of a text is told. */
static size_t told(const char *text)
{
	return strnlen(text, NBD_NAME_MAX);
}

bool option_list(struct nbd *nbd)
{
	if (out_free(&nbd->out) < REPLY_MAX)
		return false;
	const struct nbd_export *export = nbd->exports->ops->nth(nbd->exports, nbd->listed++);
	if (!export) {
		option_reply(nbd, LIST, ACK, 0);
		nbd->state = AT_OPTION;
		return true;
	}
	size_t name = told(export->name), text = told(export->description);
	uint8_t *at = option_reply(nbd, LIST, SERVER, 4 + name + text);
	at = put32(at, (uint32_t)name);
	memcpy(at, export->name, name);
	memcpy(at + name, export->description, text);
	nbd->exports->ops->put(nbd->exports, export);
	return true;
}

static void info_text(struct nbd *nbd, uint32_t option, enum info info, const char *text)
{
	size_t len = told(text);
	uint8_t *at = option_reply(nbd, option, REPLY_INFO, 2 + len);
	at = put16(at, (uint16_t)info);
	memcpy(at, text, len);
}

static void tell_info(
	struct nbd *nbd, uint32_t option, uint16_t info, const struct nbd_export *export)
{
	uint8_t *at;
	switch (info) {
	case INFO_EXPORT:
		at = option_reply(nbd, option, REPLY_INFO, 12);
		at = put16(at, INFO_EXPORT);
		at = put64(at, export->size);
		put16(at, flags_of(nbd, export));
		return;
	case INFO_NAME:
		info_text(nbd, option, INFO_NAME, export->name);
		return;
	case INFO_DESCRIPTION:
		info_text(nbd, option, INFO_DESCRIPTION, export->description);
		return;
	case INFO_BLOCK_SIZE:
		at = option_reply(nbd, option, REPLY_INFO, 14);
		at = put16(at, INFO_BLOCK_SIZE);
		at = put32(at, 1);
		at = put32(at, export->preferred);
		put32(at, ADVERTISED_MAX);
		return;
	default:
		return;
	}
}

/* What the client wants to know: the numbers behind the name, each told once. */
static void tell_infos(struct nbd *nbd, uint32_t option, const uint8_t *wants, size_t count,
	const struct nbd_export *export)
{
	unsigned known = 1U << INFO_EXPORT;
	for (size_t i = 0; i < count; i++) {
		uint16_t info = be16(wants + 2 * i);
		if (info < INFO_COUNT)
			known |= 1U << info;
	}
	for (uint16_t info = 0; info < INFO_COUNT; info++)
		if (known >> info & 1)
			tell_info(nbd, option, info, export);
	option_reply(nbd, option, ACK, 0);
}

static void info_or_go(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len)
{
	size_t name = len >= 6 ? be32(data) : 0;
	const uint8_t *wants = data + 4 + name;
	if (len < 6 || name > len - 6 || len != 6 + name + 2 * (size_t)be16(wants)) {
		option_reply(nbd, option, ERR_INVALID, 0);
		return;
	}
	if (nbd->shut) {
		option_reply(nbd, option, ERR_SHUTDOWN, 0);
		return;
	}
	const struct nbd_export *export = NULL;
	bool chosen = nbd->context_of;
	if (option_name(nbd, data + 4, name))
		export = get_export(nbd);
	if (!export) {
		option_reply(nbd, option, ERR_UNKNOWN, 0);
		return;
	}
	chosen = chosen && !nbd->context_of;
	tell_infos(nbd, option, wants + 2, be16(wants), export);
	if (option == GO)
		begin(nbd, export, chosen);
	else if (chosen)
		nbd->context_of = export;
	else
		nbd->exports->ops->put(nbd->exports, export);
}

/* Extended headers stand above structured replies, whichever came first. */
static void change_headers(struct nbd *nbd, uint32_t option)
{
	bool *on = option == EXTENDED_HEADERS ? &nbd->extended : &nbd->structured;
	uint32_t type = ACK;
	if (option == STRUCTURED_REPLY && nbd->extended)
		type = ERR_EXT_HEADER_REQD;
	else if (*on)
		type = ERR_INVALID;
	else
		*on = true;
	option_reply(nbd, option, type, 0);
}

/* Nothing of what was agreed on in the clear holds any more. */
static void start_tls(struct nbd *nbd)
{
	if (nbd->session || !nbd->tls) {
		option_reply(nbd, STARTTLS, nbd->session ? ERR_INVALID : ERR_POLICY, 0);
		return;
	}
	nbd->structured = nbd->extended = false;
	option_forget(nbd);
	option_reply(nbd, STARTTLS, ACK, 0);
	nbd->state = AT_TLS;
}

void option_answer(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len)
{
	if (nbd->tls_required && !nbd->session && option != STARTTLS && option != ABORT) {
		if (option == EXPORT_NAME)
			end(nbd, "it came without TLS, which is required");
		else
			option_reply(nbd, option, ERR_TLS_REQD, 0);
		return;
	}
	bool bare = option == LIST || option == STARTTLS || option == STRUCTURED_REPLY ||
		option == EXTENDED_HEADERS;
	if (bare && len) {
		option_reply(nbd, option, ERR_INVALID, 0);
		return;
	}
	switch (option) {
	case EXPORT_NAME:
		export_name(nbd, data, len);
		return;
	case ABORT:
		option_reply(nbd, option, ACK, 0);
		end(nbd, NULL);
		return;
	case LIST:
		nbd->listed = 0;
		nbd->state = AT_LIST;
		return;
	case STARTTLS:
		start_tls(nbd);
		return;
	case INFO:
	case GO:
		info_or_go(nbd, option, data, len);
		return;
	case STRUCTURED_REPLY:
	case EXTENDED_HEADERS:
		change_headers(nbd, option);
		return;
	case LIST_META_CONTEXT:
	case SET_META_CONTEXT:
		option_contexts(nbd, option, data, len);
		return;
	default:
		option_reply(nbd, option, ERR_UNSUP, 0);
	}
}
