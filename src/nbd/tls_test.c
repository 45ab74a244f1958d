/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of OpenSSL's and a connection, with a wire between them that holds few bytes each way:
 * records arrive in pieces, several at once, and answers wait for room. What the client sends is
 * what it would say in the clear, and what it hears is compared with that.
 */
#include <openssl/ssl.h>

#include "base/rng.h"
#include "nbd/rig_test.h"
#include "nbd/tls.h"

enum { REQUESTS = 100, LONG = 9000, WIRE_MAX = 8192 };

static const unsigned char key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* Bytes on their way. */
struct line {
	size_t room, len;
	uint8_t at[WIRE_MAX];
};

struct life {
	struct rig rig;
	struct nbd_tls *tls;
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out; /* the client's */
	struct bytes *says;
	size_t said, sent; /* in the clear; of `out` */
	struct line up, down;
	bool obstinate; /* it takes nothing as long as it has something to say */
	bool hung_up;
	uint8_t disk[DISK], buffers[NBD_IN_FLIGHT][LONG];
};

static unsigned give_key(SSL *ssl, const char *hint, char *ret_name, unsigned name_most,
	unsigned char *ret_key, unsigned key_most)
{
	(void)ssl;
	(void)hint;
	CHECK(name_most > 1 && key_most >= sizeof(key));
	memcpy(ret_name, "a", 2);
	memcpy(ret_key, key, sizeof(key));
	return sizeof(key);
}

static void put_on(struct line *line, const uint8_t *bytes, size_t len)
{
	CHECK(len <= line->room - line->len);
	memcpy(line->at + line->len, bytes, len);
	line->len += len;
}

static void take_off(struct line *line, size_t len)
{
	line->len -= len;
	memmove(line->at, line->at + len, line->len);
}

/* ---- the server, as its owner goes on ---- */

static void answer(struct life *life, struct nbd_request *request)
{
	struct nbd *nbd = life->rig.nbd;
	uint8_t *disk = life->disk + request->offset;
	struct nbd_part part = {disk, request->length};
	if (request->type == NBD_WRITE)
		memcpy(disk, request->data, request->length);
	if (request->type == NBD_READ)
		nbd_read(nbd, request, &part, 1);
	else
		nbd_done(nbd, request);
}

/* Whether anything went. */
static bool server_sends(struct life *life)
{
	struct nbd *nbd = life->rig.nbd;
	struct line *down = &life->down;
	struct iovec part;
	bool went = false;
	/* It cannot know of the room before it tries. */
	while (nbd_waiting(nbd, &part, 1) && down->room > down->len) {
		size_t room = down->room - down->len, n = part.iov_len < room ? part.iov_len : room;
		put_on(down, part.iov_base, n);
		nbd_sent(nbd, n);
		while (nbd_released(nbd))
			;
		went = true;
	}
	return went;
}

static bool server_receives(struct life *life)
{
	size_t n = life->up.len ? rig_feed(&life->rig, life->up.at, life->up.len) : 0;
	take_off(&life->up, n);
	return n;
}

static bool server_turn(struct life *life)
{
	struct nbd *nbd = life->rig.nbd;
	struct nbd_request *request;
	switch (nbd_next(nbd, &request)) {
	case NBD_REQUEST:
		answer(life, request);
		return true;
	case NBD_WANT_BUFFER:
		nbd_buffer(nbd, request, life->buffers[request->slot]);
		return true;
	case NBD_BUSY:
		return server_sends(life);
	case NBD_HANG_UP:
		life->hung_up = nbd_waiting_bytes(nbd) == 0;
		return server_sends(life);
	case NBD_WANT_INPUT:
	default:
		break;
	}
	bool went = server_sends(life);
	return server_receives(life) || went;
}

/* ---- the client ---- */

static bool client_sends(struct life *life)
{
	char *bytes;
	size_t len = (size_t)BIO_get_mem_data(life->out, &bytes) - life->sent;
	size_t room = life->up.room - life->up.len, n = len < room ? len : room;
	put_on(&life->up, (uint8_t *)bytes + life->sent, n);
	life->sent += n;
	if (n && n == len) {
		(void)BIO_reset(life->out);
		life->sent = 0;
	}
	return n;
}

/* One record at a time: `most` bytes of what it has to say. */
static bool client_says(struct life *life, size_t most)
{
	char *bytes;
	struct bytes *says = life->says;
	size_t left = says->len - life->said, n = left < most ? left : most;
	if (!n || (size_t)BIO_get_mem_data(life->out, &bytes) > life->sent)
		return false;
	int done = SSL_write(life->ssl, says->at + life->said, (int)n);
	CHECK(done > 0 || SSL_get_error(life->ssl, done) == SSL_ERROR_WANT_READ);
	life->said += done > 0 ? (size_t)done : 0;
	return done > 0;
}

static bool client_hears(struct life *life)
{
	uint8_t bytes[4096];
	size_t n = life->down.len;
	bool speaks = life->said < life->says->len || life->up.len;
	if (life->obstinate && SSL_is_init_finished(life->ssl) && speaks)
		return false;
	if (n)
		CHECK_EQ(BIO_write(life->in, life->down.at, (int)n), n);
	take_off(&life->down, n);
	int done;
	while ((done = SSL_read(life->ssl, bytes, sizeof(bytes))) > 0)
		add(life->rig.heard, bytes, (size_t)done);
	return n;
}

/* ---- lives ---- */

/* In the clear: STARTTLS and our consent. */
static void start_tls(struct life *life)
{
	struct rig *rig = &life->rig;
	struct nbd_request *none;
	rig_feed(rig, (const uint8_t *)"\0\0\0\3IHAVEOPT\0\0\0\5\0\0\0\0", 20);
	CHECK_EQ(nbd_next(rig->nbd, &none), NBD_BUSY);
	rig_drain(rig, BYTES_MAX);
	rig->heard->len = 0;
	SSL_set_connect_state(life->ssl);
	SSL_do_handshake(life->ssl);
}

static struct life *begin(size_t room, bool obstinate)
{
	const struct nbd_tls_options options = {.psk = "a:000102030405060708090a0b0c0d0e0f"};
	struct life *life = calloc(1, sizeof(*life));
	CHECK(life && (life->says = calloc(1, sizeof(*life->says))));
	rig_init(&life->rig);
	CHECK_EQ(nbd_tls_new(&options, &life->tls, NULL), 0);
	nbd_secure(life->rig.nbd, life->tls, true);
	life->up.room = life->down.room = room;
	life->obstinate = obstinate;
	life->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_psk_client_callback(life->context, give_key);
	SSL_CTX_set_mode(life->context, SSL_MODE_ENABLE_PARTIAL_WRITE);
	life->ssl = SSL_new(life->context);
	life->in = BIO_new(BIO_s_mem());
	life->out = BIO_new(BIO_s_mem());
	CHECK(life->ssl && life->in && life->out);
	SSL_set_bio(life->ssl, life->in, life->out);
	start_tls(life);
	return life;
}

static void end_life(struct life *life)
{
	SSL_free(life->ssl);
	SSL_CTX_free(life->context);
	rig_done(&life->rig);
	nbd_tls_free(life->tls);
	free(life->says);
	free(life);
}

static void live(struct life *life, struct rng *rng)
{
	bool goes = true;
	while (goes && !life->hung_up) {
		size_t most = rng ? 1 + rng_below(rng, 3000) : 28;
		goes = server_turn(life);
		goes |= client_says(life, most);
		goes |= client_sends(life);
		goes |= client_hears(life);
	}
	while (client_hears(life))
		;
	CHECK_EQ(life->said, life->says->len);
	CHECK_EQ(life->up.len, 0);
	CHECK(life->hung_up);
	CHECK(SSL_get_shutdown(life->ssl) & SSL_RECEIVED_SHUTDOWN);
}

static void ask(struct life *life, unsigned type, uint64_t offset, uint64_t length)
{
	add_request(life->says, false, (struct asked){type, 0, offset, offset, length});
}

/* Where the first answer to a command begins. */
static size_t first_answer(const struct life *life)
{
	size_t at = 0;
	while (at + 4 <= life->rig.heard->len && be32(life->rig.heard->at + at) != 0x67446698)
		at++;
	return at;
}

/* What `life` says was answered in order, and right, when disks were equal at the beginning. */
static void compare(const struct life *life, const uint8_t *disk, unsigned writes, size_t len)
{
	const struct bytes *heard = life->rig.heard;
	size_t at = first_answer(life);
	for (unsigned i = 0; i < REQUESTS; i++) {
		bool write = i < writes;
		size_t payload = write ? 0 : len;
		uint64_t offset = (uint64_t)(i % 100) * 10000;
		CHECK(heard->len - at >= 16 + payload);
		CHECK_EQ(be32(heard->at + at), 0x67446698);
		CHECK_EQ(be32(heard->at + at + 4), 0);
		CHECK_EQ(be64(heard->at + at + 8), offset);
		CHECK(!payload || memcmp(heard->at + at + 16, disk + offset, payload) == 0);
		at += 16 + payload;
	}
	CHECK_EQ(at, heard->len);
}

static void one_life(size_t room, bool obstinate, unsigned writes, struct rng *rng)
{
	struct life *life = begin(room, obstinate);
	struct rng own;
	rng_seed(&own, room + writes);
	rng_fill(&own, life->disk, DISK);
	uint8_t *disk = malloc(DISK);
	CHECK(disk);
	memcpy(disk, life->disk, DISK);
	add_go(life->says, "disk");
	for (unsigned i = 0; i < REQUESTS; i++) {
		uint64_t offset = (uint64_t)i * 10000;
		ask(life, i < writes ? 1 : 0, offset, LONG);
		if (i < writes) {
			rng_fill(&own, disk + offset, LONG);
			add(life->says, disk + offset, LONG);
		}
	}
	add_request(life->says, false, (struct asked){2, 0, 0, 0, 0});
	live(life, rng);
	compare(life, disk, writes, LONG);
	CHECK(memcmp(disk, life->disk, DISK) == 0);
	free(disk);
	end_life(life);
}

TEST(what_is_said_by_tls_arrives_however_little_the_wire_holds)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (unsigned i = 0; i < 12; i++) {
		size_t room = 1 + rng_below(&rng, i % 2 ? 300 : WIRE_MAX);
		one_life(room, false, (unsigned)rng_below(&rng, REQUESTS), &rng);
	}
}

/* Nobody gets further when each waits for the other to take something first. */
TEST(a_client_may_ask_for_all_before_it_hears_anything)
{
	one_life(200, true, 0, NULL);
	one_life(WIRE_MAX, true, 0, NULL);
	one_life(200, true, REQUESTS, NULL);
}

TEST_MAIN
