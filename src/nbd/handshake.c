/* SPDX-License-Identifier: Apache-2.0 */
/* Options: what there is to serve, and how. Numbers are those of proto.md, "Option types". */
#include <string.h>

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
	LIST_META_CONTEXT = 9,
	SET_META_CONTEXT = 10,
};

enum reply { ACK = 1, SERVER = 2, REPLY_INFO = 3, META_CONTEXT = 4 };

#define REPLY_ERROR (UINT32_C(1) << 31)
#define ERR_UNSUP (REPLY_ERROR | 1)
#define ERR_POLICY (REPLY_ERROR | 2)
#define ERR_INVALID (REPLY_ERROR | 3)
#define ERR_UNKNOWN (REPLY_ERROR | 6)
#define ERR_TOO_BIG (REPLY_ERROR | 9)

enum info { INFO_EXPORT, INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE };

enum {
	HAS_FLAGS = 1 << 0,
	READ_ONLY = 1 << 1,
	SEND_FLUSH = 1 << 2,
	SEND_DF = 1 << 7,
	CAN_MULTI_CONN = 1 << 8,
	SEND_CACHE = 1 << 10,
	ZEROES = 124, /* behind the answer to EXPORT_NAME, for clients of old */
	CONTEXT_ID = 1,
};

static const char allocation[] = "base:allocation";

static void reply(struct nbd *nbd, uint32_t option, uint32_t type, size_t len)
{
	nbd_out64(&nbd->out, REPLY_MAGIC);
	nbd_out32(&nbd->out, option);
	nbd_out32(&nbd->out, type);
	nbd_out32(&nbd->out, (uint32_t)len);
}

void nbd_option_too_big(struct nbd *nbd, uint32_t option)
{
	reply(nbd, option, ERR_TOO_BIG, 0);
}

static const struct nbd_export *find_export(const struct nbd *nbd, const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < nbd->export_count; i++) {
		const char *known = nbd->exports[i].name;
		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return &nbd->exports[i];
	}
	return len == 0 && nbd->export_count ? &nbd->exports[0] : NULL;
}

static uint16_t flags_of(const struct nbd *nbd)
{
	/* All connections read the same bytes, which never change. */
	return (uint16_t)(HAS_FLAGS | READ_ONLY | SEND_FLUSH | CAN_MULTI_CONN | SEND_CACHE |
		(nbd->structured ? SEND_DF : 0));
}

static void begin(struct nbd *nbd, const struct nbd_export *export)
{
	if (nbd->context != export)
		nbd->context = NULL;
	nbd->export = export;
	nbd->state = NBD_COMMAND;
}

static void export_name(struct nbd *nbd, const uint8_t *data, size_t len)
{
	static const uint8_t zeroes[ZEROES];
	const struct nbd_export *export = find_export(nbd, data, len);
	if (!export) {
		nbd->state = NBD_ENDED;
		return;
	}
	nbd_out64(&nbd->out, export->size);
	nbd_out16(&nbd->out, flags_of(nbd));
	if (!nbd->no_zeroes)
		nbd_out_bytes(&nbd->out, zeroes, sizeof(zeroes));
	begin(nbd, export);
}

static void list(struct nbd *nbd)
{
	for (size_t i = 0; i < nbd->export_count; i++) {
		const struct nbd_export *export = &nbd->exports[i];
		size_t name = strlen(export->name), text = strlen(export->description);
		reply(nbd, LIST, SERVER, 4 + name + text);
		nbd_out32(&nbd->out, (uint32_t)name);
		nbd_out_bytes(&nbd->out, export->name, name);
		nbd_out_bytes(&nbd->out, export->description, text);
	}
	reply(nbd, LIST, ACK, 0);
}

static void info_text(struct nbd *nbd, uint32_t option, enum info info, const char *text)
{
	reply(nbd, option, REPLY_INFO, 2 + strlen(text));
	nbd_out16(&nbd->out, (uint16_t)info);
	nbd_out_bytes(&nbd->out, text, strlen(text));
}

static void tell_info(
	struct nbd *nbd, uint32_t option, uint16_t info, const struct nbd_export *export)
{
	if (info == INFO_NAME)
		info_text(nbd, option, INFO_NAME, export->name);
	if (info == INFO_DESCRIPTION)
		info_text(nbd, option, INFO_DESCRIPTION, export->description);
	if (info != INFO_BLOCK_SIZE)
		return;
	reply(nbd, option, REPLY_INFO, 14);
	nbd_out16(&nbd->out, INFO_BLOCK_SIZE);
	nbd_out32(&nbd->out, 1);
	nbd_out32(&nbd->out, export->preferred);
	nbd_out32(&nbd->out, NBD_PAYLOAD_MAX);
}

static void info_or_go(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len)
{
	size_t name_len = len >= 6 ? be32(data) : 0;
	if (len < 6 || name_len > len - 6) {
		reply(nbd, option, ERR_INVALID, 0);
		return;
	}
	const uint8_t *wants = data + 4 + name_len;
	size_t count = be16(wants);
	if (len != 6 + name_len + 2 * count) {
		reply(nbd, option, ERR_INVALID, 0);
		return;
	}
	const struct nbd_export *export = find_export(nbd, data + 4, name_len);
	if (!export) {
		reply(nbd, option, ERR_UNKNOWN, 0);
		return;
	}
	reply(nbd, option, REPLY_INFO, 12);
	nbd_out16(&nbd->out, INFO_EXPORT);
	nbd_out64(&nbd->out, export->size);
	nbd_out16(&nbd->out, flags_of(nbd));
	bool told[INFO_BLOCK_SIZE + 1] = {false};
	for (size_t i = 0; i < count; i++) {
		uint16_t info = be16(wants + 2 + 2 * i);
		if (info <= INFO_BLOCK_SIZE && !told[info])
			tell_info(nbd, option, info, export);
		if (info <= INFO_BLOCK_SIZE)
			told[info] = true;
	}
	reply(nbd, option, ACK, 0);
	if (option == GO)
		begin(nbd, export);
}

/* Whether a query means base:allocation; when listing, also its namespace alone. */
static bool means_allocation(const uint8_t *query, size_t len, bool listing)
{
	size_t whole = sizeof(allocation) - 1, space = sizeof("base:") - 1;
	return (len == whole || (listing && len == space)) && memcmp(query, allocation, len) == 0;
}

/* Whether the queries ask for base:allocation. -1: they are not well formed. */
static int read_queries(const uint8_t *at, size_t len, bool listing)
{
	int found;
	if (len < 4)
		return -1;
	uint32_t count = be32(at);
	at += 4;
	len -= 4;
	found = listing && count == 0;
	for (uint32_t i = 0; i < count; i++) {
		if (len < 4 || be32(at) > len - 4)
			return -1;
		size_t n = be32(at);
		found |= means_allocation(at + 4, n, listing);
		at += 4 + n;
		len -= 4 + n;
	}
	return len ? -1 : found;
}

static void meta_context(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len)
{
	bool listing = option == LIST_META_CONTEXT;
	size_t name_len = len >= 4 ? be32(data) : 0;
	if (!listing)
		nbd->context = NULL;
	if (!nbd->structured || len < 4 || name_len > len - 4) {
		reply(nbd, option, ERR_INVALID, 0);
		return;
	}
	const struct nbd_export *export = find_export(nbd, data + 4, name_len);
	int found = read_queries(data + 4 + name_len, len - 4 - name_len, listing);
	if (found < 0 || !export) {
		reply(nbd, option, found < 0 ? ERR_INVALID : ERR_UNKNOWN, 0);
		return;
	}
	if (found) {
		reply(nbd, option, META_CONTEXT, 4 + sizeof(allocation) - 1);
		nbd_out32(&nbd->out, listing ? 0 : CONTEXT_ID);
		nbd_out_bytes(&nbd->out, allocation, sizeof(allocation) - 1);
		if (!listing)
			nbd->context = export;
	}
	reply(nbd, option, ACK, 0);
}

void nbd_option(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len)
{
	bool bare = option == LIST || option == STARTTLS || option == STRUCTURED_REPLY;
	if (bare && len) {
		reply(nbd, option, ERR_INVALID, 0);
		return;
	}
	switch (option) {
	case EXPORT_NAME:
		export_name(nbd, data, len);
		return;
	case ABORT:
		reply(nbd, option, ACK, 0);
		nbd->state = NBD_ENDED;
		return;
	case LIST:
		list(nbd);
		return;
	case STARTTLS:
		reply(nbd, option, ERR_POLICY, 0);
		return;
	case INFO:
	case GO:
		info_or_go(nbd, option, data, len);
		return;
	case STRUCTURED_REPLY:
		nbd->structured = true;
		reply(nbd, option, ACK, 0);
		return;
	case LIST_META_CONTEXT:
	case SET_META_CONTEXT:
		meta_context(nbd, option, data, len);
		return;
	default:
		reply(nbd, option, ERR_UNSUP, 0);
	}
}
