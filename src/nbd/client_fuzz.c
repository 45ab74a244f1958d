/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes of a server: nothing breaks, no byte lands outside of what was asked for, and all that
 * was asked is done once. The first byte chooses how the rest is cut into pieces, and whether all
 * begins with the handshake or behind one.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "nbd/client.h"
#include "nbd/inner.h"

enum { ASKS = 40, LENGTH = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct ask {
	struct nbd_asked asked;
	unsigned done;
	uint8_t before, bytes[LENGTH], behind;
};

static struct ask asks[ASKS];

static void on_done(struct nbd_asked *asked, int err)
{
	struct ask *ask = container_of(asked, struct ask, asked);
	must(err <= 0 && ask->done++ == 0);
}

static void on_extent(struct nbd_asked *asked, unsigned context, uint64_t len, uint32_t flags)
{
	must(asked->type == NBD_STATUS && context < 2 && len <= UINT32_MAX);
	(void)flags;
}

static void feed(struct nbd_client *client, const uint8_t *bytes, size_t len, size_t piece)
{
	struct iovec parts[8];
	while (len && nbd_client_state(client) != NBD_CLIENT_ENDED) {
		struct iovec room = nbd_client_room(client);
		size_t n = len < piece ? len : piece;
		must(room.iov_len);
		n = n < room.iov_len ? n : room.iov_len;
		memcpy(room.iov_base, bytes, n);
		nbd_client_came(client, n);
		bytes += n;
		len -= n;
		unsigned count = nbd_client_waiting(client, parts, 8);
		size_t out = 0;
		for (unsigned i = 0; i < count; i++)
			out += parts[i].iov_len;
		nbd_client_sent(client, out);
	}
}

/* The shortest handshake there is. */
static void begin(struct nbd_client *client)
{
	static const uint8_t greeting[] = "NBDMAGICIHAVEOPT\0\3";
	uint8_t reply[20], *at = put64(reply, UINT64_C(0x3e889045565a9));
	feed(client, greeting, 18, 18);
	put32(put32(put32(at, 8), ACK), 0);
	feed(client, reply, sizeof(reply), 64);
	put32(put32(put32(at, 10), ACK), 0);
	feed(client, reply, sizeof(reply), 64);
	put32(put32(put32(at, 7), ACK), 0);
	feed(client, reply, sizeof(reply), 64);
	must(nbd_client_state(client) == NBD_CLIENT_READY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct nbd_client_options options = {
		.name = "disk", .contexts = {"base:allocation", "x-ebb:era"}, .context_count = 2};
	static const enum nbd_type types[] = {NBD_READ, NBD_STATUS, NBD_WRITE, NBD_READ, NBD_FLUSH};
	struct nbd_client *client = nbd_client_new(&options);
	must(client);
	if (len && *data & 128)
		begin(client);
	for (unsigned i = 0; i < ASKS; i++) {
		asks[i].done = 0;
		asks[i].before = asks[i].behind = 0xa5;
		asks[i].asked = (struct nbd_asked){.type = types[i % 5],
			.offset = UINT64_C(4096) * i,
			.length = types[i % 5] == NBD_FLUSH ? 0 : LENGTH,
			.bytes = asks[i].bytes,
			.done = on_done,
			.on_extent = on_extent};
		nbd_client_ask(client, &asks[i].asked);
	}
	if (len)
		feed(client, data + 1, len - 1, 1 + (*data & 127));
	nbd_client_free(client);
	for (unsigned i = 0; i < ASKS; i++)
		must(asks[i].done == 1 && asks[i].before == 0xa5 && asks[i].behind == 0xa5);
	return 0;
}
