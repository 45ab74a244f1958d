/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any file of shared keys, and any bytes where a client should begin TLS. The first byte chooses
 * which of the two, and how the rest is cut into pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "nbd/nbd.h"
#include "nbd/tls.h"
#include "nbd/tls_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_keys(const uint8_t *data, size_t len)
{
	OWN(tls_keys_done) struct tls_keys keys = {0};
	OWN(own_free) char *text = calloc(1, len + 1);
	uint8_t key[PSK_MAX];
	struct why why = {""};
	must(text);
	memcpy(text, data, len);
	if (tls_keys_read(text, &keys, &why)) {
		must(*why.text && !keys.at);
		return;
	}
	for (size_t i = 0; i < keys.count; i++) {
		size_t found = tls_keys_find(&keys, keys.at[i].name, key, sizeof(key));
		must(found >= PSK_MIN && found <= PSK_MAX);
	}
	must(keys.count && !tls_keys_find(&keys, keys.at[0].name, key, PSK_MIN - 1));
}

static const struct nbd_export *no_export(struct nbd_exports *exports, const char *name)
{
	(void)exports;
	(void)name;
	return NULL;
}

static const struct nbd_exports_ops ops = {.get = no_export};

static void feed(struct nbd *nbd, const void *bytes, size_t len)
{
	struct iovec room[NBD_ROOM];
	must(nbd_room(nbd, room) && len <= room->iov_len);
	memcpy(room->iov_base, bytes, len);
	nbd_came(nbd, len);
}

/* What is said last, TLS's alert, is sent as well. */
static void drain(struct nbd *nbd)
{
	struct iovec part;
	for (unsigned i = 0; nbd_waiting(nbd, &part, 1); i++) {
		must(i < 1000);
		nbd_sent(nbd, part.iov_len);
	}
	must(nbd_waiting_bytes(nbd) == 0);
}

static void begin_tls(const uint8_t *data, size_t len, size_t piece)
{
	static struct nbd_tls *tls; /* making one costs more than all else */
	const struct nbd_tls_options options = {.psk = "a:000102030405060708090a0b0c0d0e0f"};
	struct nbd_exports exports = {&ops};
	struct nbd_request *none;
	must(tls || nbd_tls_new(&options, &tls, NULL) == 0);
	struct nbd *nbd = nbd_new(&exports);
	must(nbd);
	nbd_secure(nbd, tls, true);
	feed(nbd, "\0\0\0\3IHAVEOPT\0\0\0\5\0\0\0\0", 20);
	must(nbd_next(nbd, &none) == NBD_BUSY);
	drain(nbd);
	enum nbd_event event = nbd_next(nbd, &none);
	for (size_t at = 0; event == NBD_WANT_INPUT && at < len;) {
		size_t n = len - at < piece ? len - at : piece;
		feed(nbd, data + at, n);
		at += n;
		event = nbd_next(nbd, &none);
		drain(nbd);
	}
	must(event == NBD_WANT_INPUT || event == NBD_HANG_UP);
	must(!nbd_in_use(nbd));
	nbd_free(nbd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	if (*data & 1)
		begin_tls(data + 1, len - 1, *data > 1 ? *data : 5000);
	else
		read_keys(data + 1, len - 1);
	return 0;
}
