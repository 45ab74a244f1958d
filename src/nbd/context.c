/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata contexts: listing and choosing them. proto.md, "Metadata querying". */
#include "base/own.h"
#include "nbd/inner.h"

static const char allocation[] = "base:allocation";

enum { CONTEXT_NAME_MAX = 255 };

/* The name of a context; NULL: there are fewer, or nobody could tell it. */
static const char *context_name(const struct nbd_export *export, unsigned context)
{
	if (context == 0)
		return allocation;
	return context <= export->context_count ? export->contexts[context - 1] : NULL;
}

/* Whether a query means that name; when listing, also what ends in a colon and begins it. */
static bool means(const uint8_t *query, size_t len, const char *name, bool listing)
{
	size_t whole = strlen(name);
	bool space = listing && len && query[len - 1] == ':';
	return (len == whole || (space && len < whole)) && memcmp(query, name, len) == 0;
}

static uint64_t matches(
	const struct nbd_export *export, const uint8_t *query, size_t len, bool listing)
{
	uint64_t found = 0;
	const char *name;
	for (unsigned i = 0; i < NBD_CONTEXTS && (name = context_name(export, i)); i++)
		if (means(query, len, name, listing))
			found |= UINT64_C(1) << i;
	return found;
}

/* The contexts that the queries mean. False: they are not well formed. */
static bool read_queries(const struct nbd_export *export, const uint8_t *at, size_t len,
	bool listing, uint64_t *ret_found)
{
	if (len < 4)
		return false;
	uint32_t count = be32(at);
	uint64_t found = listing && count == 0 ? UINT64_MAX : 0;
	at += 4;
	len -= 4;
	for (uint32_t i = 0; i < count; i++) {
		if (len < 4 || be32(at) > len - 4)
			return false;
		size_t n = be32(at);
		found |= matches(export, at + 4, n, listing);
		at += 4 + n;
		len -= 4 + n;
	}
	*ret_found = found;
	return len == 0;
}

/* Ids are told when they are chosen: 1 and up. */
static uint64_t tell(
	struct nbd *nbd, uint32_t option, const struct nbd_export *export, uint64_t found)
{
	uint64_t told = 0;
	const char *name;
	for (unsigned i = 0; i < NBD_CONTEXTS && (name = context_name(export, i)); i++) {
		size_t len = strlen(name);
		if (!(found >> i & 1) || len > CONTEXT_NAME_MAX)
			continue;
		uint8_t *at = option_reply(nbd, option, META_CONTEXT, 4 + len);
		at = put32(at, option == SET_META_CONTEXT ? i + 1 : 0);
		memcpy(at, name, len);
		told |= UINT64_C(1) << i;
	}
	option_reply(nbd, option, ACK, 0);
	return told;
}

void option_forget(struct nbd *nbd)
{
	if (nbd->context_of)
		nbd->exports->ops->put(nbd->exports, nbd->context_of);
	nbd->context_of = NULL;
	nbd->contexts = 0;
}

void option_contexts(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len)
{
	bool listing = option == LIST_META_CONTEXT;
	size_t name = len >= 4 ? be32(data) : 0;
	uint64_t found;
	if (!listing)
		option_forget(nbd);
	if ((!nbd->structured && !nbd->extended) || len < 4 || name > len - 4) {
		option_reply(nbd, option, ERR_INVALID, 0);
		return;
	}
	const struct nbd_export *export = NULL;
	if (option_name(nbd, data + 4, name))
		export = nbd->exports->ops->get(nbd->exports, nbd->name);
	if (!export) {
		option_reply(nbd, option, ERR_UNKNOWN, 0);
		return;
	}
	const uint8_t *queries = data + 4 + name;
	if (!read_queries(export, queries, len - 4 - name, listing, &found)) {
		option_reply(nbd, option, ERR_INVALID, 0);
	} else {
		uint64_t told = tell(nbd, option, export, found);
		if (!listing && told) {
			nbd->contexts = told;
			nbd->context_of = TAKE(export);
			memcpy(nbd->context_name, nbd->name, name + 1);
		}
	}
	if (export)
		nbd->exports->ops->put(nbd->exports, export);
}
