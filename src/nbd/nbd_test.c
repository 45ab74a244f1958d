/* SPDX-License-Identifier: Apache-2.0 */
/* What exactly a client is told: to options and requests, good and bad; and the limits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/why.h"
#include "nbd/rig_test.h"
#include "nbd/tls.h"

enum headers { SIMPLE, STRUCTURED, EXTENDED };

/* What was heard since the last call, in hex with a space every four bytes. */
static const char *heard(struct rig *rig)
{
	static char text[2048];
	size_t at = 0;
	rig_drain(rig, SIZE_MAX);
	for (size_t i = 0; i < rig->heard->len && at + 4 < sizeof(text); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%02x",
			i && i % 4 == 0 ? " " : "", rig->heard->at[i]);
	text[at] = 0;
	rig->heard->len = 0;
	return text;
}

/* The next event after the bytes came. */
static enum nbd_event tell(struct rig *rig, struct bytes *bytes, struct nbd_request **ret_request)
{
	enum nbd_event event = NBD_WANT_INPUT;
	for (size_t at = 0; event == NBD_WANT_INPUT && at < bytes->len;) {
		at += rig_feed(rig, bytes->at + at, bytes->len - at);
		event = nbd_next(rig->nbd, ret_request);
	}
	bytes->len = 0;
	return event;
}

static enum nbd_event tell_option(struct rig *rig, uint32_t option, const void *data, size_t len)
{
	static struct bytes bytes;
	struct nbd_request *request;
	add_option(&bytes, option, data, len);
	return tell(rig, &bytes, &request);
}

/* Past the greeting. */
static void begin(struct rig *rig)
{
	static struct bytes bytes;
	struct nbd_request *request;
	rig_init(rig);
	CHECK_STR(heard(rig), "4e42444d 41474943 49484156 454f5054 0003");
	add32(&bytes, 3);
	CHECK_EQ(tell(rig, &bytes, &request), NBD_WANT_INPUT);
}

/* Past the handshake. */
static void go(struct rig *rig, const char *name, enum headers headers)
{
	static struct bytes bytes;
	struct nbd_request *request;
	begin(rig);
	if (headers != SIMPLE)
		add_option(&bytes, headers == EXTENDED ? 11 : 8, NULL, 0);
	add_go(&bytes, name);
	CHECK_EQ(tell(rig, &bytes, &request), NBD_WANT_INPUT);
	CHECK(nbd_in_use(rig->nbd));
	heard(rig);
}

static enum nbd_event ask(struct rig *rig, struct asked asked, struct nbd_request **ret_request)
{
	static struct bytes bytes;
	add_request(&bytes, rig->nbd->extended, asked);
	return tell(rig, &bytes, ret_request);
}

#define REPLY(option, type, len) "0003e889 045565a9 000000" option " " type " 000000" len

TEST(options_and_their_answers)
{
	static const struct {
		uint32_t option;
		const char *data;
		size_t len;
		const char *want;
	} cases[] = {
		{77, "xyz", 3, REPLY("4d", "80000001", "00")},
		{3, "x", 1, REPLY("03", "80000003", "00")},
		{5, "", 0, REPLY("05", "80000002", "00")},
		{8, "x", 1, REPLY("08", "80000003", "00")},
		{9, "\0\0\0\0\0\0\0\0", 8, REPLY("09", "80000003", "00")},
		{10, "\0\0\0\0\0\0\0\0", 8, REPLY("0a", "80000003", "00")},
		{8, "", 0, REPLY("08", "00000001", "00")},
		{8, "", 0, REPLY("08", "80000003", "00")},
		{10, "\0\0\0\4none\0\0\0\0", 12, REPLY("0a", "80000006", "00")},
		{10, "\0\0\0\0\0\0\0\1\0\0\0\5x", 13, REPLY("0a", "80000003", "00")},
		{10, "\0\0\0\0\0\0\0\0x", 9, REPLY("0a", "80000003", "00")},
		{10, "\0\0\0\0\0\0\0\1\0\0\0\1x", 13, REPLY("0a", "00000001", "00")},
		{10, "\0\0\0\0\0\0\0\1\0\0\0\5base:", 17, REPLY("0a", "00000001", "00")},
		{9, "\0\0\0\0\0\0\0\1\0\0\0\6x-ebb:", 18,
			REPLY("09", "00000004", "0d") " 00000000 782d6562 623a6572 61000"
						      "3e8 89045565 a9000000 09000000 "
						      "01000000 00"},
		{6, "\0\0\0\0", 4, REPLY("06", "80000003", "00")},
		{6, "\xff\xff\xff\xff\0\0", 6, REPLY("06", "80000003", "00")},
		{6, "\0\0\0\0\0\1", 6, REPLY("06", "80000003", "00")},
		{6, "\0\0\0\1\0\0\0", 7, REPLY("06", "80000006", "00")},
		{7, "\0\0\0\4none\0\0", 10, REPLY("07", "80000006", "00")},
		{6, "\0\0\0\0\0\0", 6,
			REPLY("06", "00000003", "0c") " 00000000 00000010 00000ded "
						      "0003e889 045565a9 00000006 00000001 "
						      "00000000"},
		{11, "x", 1, REPLY("0b", "80000003", "00")},
		{11, "", 0, REPLY("0b", "00000001", "00")},
		{11, "", 0, REPLY("0b", "80000003", "00")},
		{8, "", 0, REPLY("08", "8000000a", "00")},
	};
	struct rig rig;
	begin(&rig);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK_EQ(tell_option(&rig, cases[i].option, cases[i].data, cases[i].len),
			NBD_WANT_INPUT);
		CHECK_STR(heard(&rig), cases[i].want);
	}
	CHECK_EQ(tell_option(&rig, 2, "", 0), NBD_HANG_UP);
	CHECK(!nbd_ended(rig.nbd));
	CHECK_STR(heard(&rig), REPLY("02", "00000001", "00"));
	rig_done(&rig);
}

TEST(an_option_that_is_too_long_is_passed_over)
{
	static uint8_t data[OPTION_MAX + 1];
	struct rig rig;
	begin(&rig);
	CHECK_EQ(tell_option(&rig, 7, data, sizeof(data)), NBD_WANT_INPUT);
	CHECK_STR(heard(&rig), REPLY("07", "80000009", "00"));
	CHECK_EQ(tell_option(&rig, 1, data, sizeof(data)), NBD_HANG_UP);
	CHECK_STR(nbd_ended(rig.nbd), "no export has so long a name");
	CHECK_STR(heard(&rig), "");
	rig_done(&rig);
}

TEST(a_client_of_old_gets_zeroes_behind_its_export)
{
	static struct bytes bytes;
	struct nbd_request *request;
	struct rig rig;
	rig_init(&rig);
	heard(&rig);
	add32(&bytes, 0);
	add_option(&bytes, 1, "old", 3);
	CHECK_EQ(tell(&rig, &bytes, &request), NBD_WANT_INPUT);
	rig_drain(&rig, SIZE_MAX);
	CHECK_EQ(rig.heard->len, 134);
	CHECK(memcmp(rig.heard->at, "\0\0\1\0\0\0\0\0\4\x1f", 10) == 0);
	rig_done(&rig);
	begin(&rig);
	CHECK_EQ(tell_option(&rig, 1, "none", 4), NBD_HANG_UP);
	CHECK_STR(nbd_ended(rig.nbd), "EXPORT_NAME, and there is no such export for it");
	rig_done(&rig);
	begin(&rig); /* nor do extended headers go with it */
	tell_option(&rig, 11, "", 0);
	CHECK_EQ(tell_option(&rig, 1, "old", 3), NBD_HANG_UP);
	rig_done(&rig);
}

TEST(handshakes_have_an_end)
{
	static struct bytes bytes;
	struct nbd_request *request;
	enum nbd_event event = NBD_WANT_INPUT;
	struct rig rig;
	rig_init(&rig);
	add32(&bytes, 4); /* a flag that nobody knows */
	CHECK_EQ(tell(&rig, &bytes, &request), NBD_HANG_UP);
	CHECK_STR(nbd_ended(rig.nbd), "it is no client of NBD, or of a later protocol");
	rig_done(&rig);
	begin(&rig);
	add(&bytes, "IHAVEOPTIHAVEOPT", 16);
	bytes.at[0] = 'x';
	CHECK_EQ(tell(&rig, &bytes, &request), NBD_HANG_UP);
	CHECK_STR(nbd_ended(rig.nbd), "what it sent is no option");
	rig_done(&rig);
	begin(&rig);
	unsigned count = 0;
	for (; event == NBD_WANT_INPUT; count++) {
		event = tell_option(&rig, 99, "", 0);
		heard(&rig);
	}
	CHECK_EQ(count, OPTIONS_MAX + 1);
	CHECK_STR(nbd_ended(rig.nbd), "there was no end to its options");
	rig_done(&rig);
}

TEST(a_client_that_takes_no_answers_is_not_listened_to)
{
	struct nbd_request *request;
	struct rig rig;
	begin(&rig);
	while (tell_option(&rig, 99, "", 0) == NBD_WANT_INPUT)
		CHECK(nbd_waiting_bytes(rig.nbd) <= OUTPUT);
	CHECK_EQ(nbd_next(rig.nbd, &request), NBD_BUSY);
	heard(&rig);
	CHECK_EQ(nbd_next(rig.nbd, &request), NBD_WANT_INPUT);
	rig_done(&rig);
}

TEST(bad_requests_and_the_errors_they_get)
{
	static const struct {
		const char *export;
		struct asked asked;
		uint32_t error;
	} cases[] = {
		{"disk", {READ, 0, 0, DISK, 1}, EINVAL_},
		{"disk", {READ, 0, 0, UINT64_MAX, 1}, EINVAL_},
		{"disk", {READ, 64, 0, 0, 1}, EINVAL_},
		{"disk", {READ, NBD_NO_HOLE, 0, 0, 1}, EINVAL_},
		{"old", {READ, 0, 0, 0, NBD_PAYLOAD_MAX + 1}, EOVERFLOW_},
		{"disk", {TRIM, 0, 0, DISK - 1, 2}, EINVAL_},
		{"disk", {CACHE, 0, 0, DISK - 1, 2}, EINVAL_},
		{"disk", {WRITE_ZEROES, 0, 0, DISK - 1, 2}, ENOSPC_},
		{"disk", {WRITE_ZEROES, NBD_ONE, 0, 0, 2}, EINVAL_},
		{"disk", {BLOCK_STATUS, 0, 0, 0, 512}, EINVAL_},
		{"disk", {8, 0, 0, 0, 512}, EINVAL_},
		{"disk", {0xffff, 0, 0, 0, 512}, EINVAL_},
		{"old", {TRIM, 0, 0, 0, 512}, EPERM_},
		{"old", {WRITE_ZEROES, 0, 0, 0, 512}, EPERM_},
		{"old", {WRITE_ZEROES, NBD_FAST_ZERO, 0, 0, 512}, EINVAL_},
	};
	for (enum headers headers = SIMPLE; headers <= EXTENDED; headers++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			char want[200];
			struct nbd_request *request;
			struct asked asked = cases[i].asked;
			struct rig rig;
			go(&rig, cases[i].export, headers);
			asked.cookie = 0x1122334455667788;
			CHECK_EQ(ask(&rig, asked, &request), NBD_WANT_INPUT);
			bool chunk = asked.type == READ || asked.type == BLOCK_STATUS;
			if (headers == EXTENDED)
				snprintf(want, sizeof(want),
					"6e8a278c 00018001 11223344 55667788 %08x %08x 00000000 "
					"00000006 000000%02x 0000",
					(unsigned)(asked.offset >> 32), (unsigned)asked.offset,
					cases[i].error);
			else if (headers == STRUCTURED && chunk)
				snprintf(want, sizeof(want),
					"668e33ef 00018001 11223344 55667788 00000006 000000%02x "
					"0000",
					cases[i].error);
			else
				snprintf(want, sizeof(want),
					"67446698 000000%02x 11223344 55667788", cases[i].error);
			CHECK_STR(heard(&rig), want);
			CHECK_EQ(nbd_in_flight(rig.nbd), 0);
			rig_done(&rig);
		}
}

/* The payload of a write that is refused is no request. */
TEST(refused_writes_stay_in_step)
{
	static struct bytes bytes;
	static const uint8_t payload[5000];
	struct nbd_request *request;
	struct rig rig;
	go(&rig, "old", SIMPLE);
	add_request(&bytes, false, (struct asked){WRITE, 0, 1, 0, sizeof(payload)});
	add(&bytes, payload, sizeof(payload));
	add_request(&bytes, false, (struct asked){FLUSH, 0, 2, 0, 0});
	CHECK_EQ(tell(&rig, &bytes, &request), NBD_REQUEST);
	CHECK_EQ(request->type, NBD_FLUSH);
	nbd_done(rig.nbd, request);
	CHECK_STR(heard(&rig),
		"67446698 00000001 00000000 00000001 67446698 00000000 00000000 00000002");
	rig_done(&rig);
	go(&rig, "disk", SIMPLE);
	add_request(&bytes, false, (struct asked){WRITE, 0, 1, DISK - 4, 8});
	add(&bytes, payload, 8);
	CHECK_EQ(tell(&rig, &bytes, &request), NBD_WANT_INPUT);
	CHECK_STR(heard(&rig), "67446698 0000001c 00000000 00000001");
	rig_done(&rig);
}

TEST(what_makes_no_sense_ends_the_connection)
{
	static const struct asked asked[] = {
		{DISC, 0, 0, 0, 0},
		{WRITE, 0, 0, 0, NBD_PAYLOAD_MAX + 1},
	};
	static struct bytes bytes;
	struct nbd_request *request;
	struct rig rig;
	for (size_t i = 0; i < 2; i++) {
		go(&rig, "disk", SIMPLE);
		CHECK_EQ(ask(&rig, asked[i], &request), NBD_HANG_UP);
		CHECK(i == 0 ? !nbd_ended(rig.nbd)
			     : strstr(nbd_ended(rig.nbd), "more than 64 MiB") != NULL);
		rig_done(&rig);
	}
	go(&rig, "disk", EXTENDED); /* the magic of the other headers */
	add_request(&bytes, false, (struct asked){FLUSH, 0, 0, 0, 0});
	add32(&bytes, 0);
	CHECK_EQ(tell(&rig, &bytes, &request), NBD_HANG_UP);
	CHECK_STR(nbd_ended(rig.nbd), "what it sent is no request");
	rig_done(&rig);
}

TEST(the_end_waits_for_requests_that_are_out)
{
	struct nbd_request *read, *none;
	struct rig rig;
	go(&rig, "disk", SIMPLE);
	CHECK_EQ(ask(&rig, (struct asked){FLUSH, 0, 1, 0, 0}, &read), NBD_REQUEST);
	CHECK_EQ(ask(&rig, (struct asked){DISC, 0, 2, 0, 0}, &none), NBD_BUSY);
	nbd_done(rig.nbd, read);
	CHECK_EQ(nbd_next(rig.nbd, &none), NBD_HANG_UP);
	CHECK_STR(heard(&rig), "67446698 00000000 00000000 00000001");
	rig_done(&rig);
}

TEST(a_server_that_goes_away_says_so)
{
	struct nbd_request *request;
	struct rig rig;
	begin(&rig);
	nbd_shut(rig.nbd);
	CHECK_EQ(tell_option(&rig, 7, "\0\0\0\0\0\0", 6), NBD_WANT_INPUT);
	CHECK_STR(heard(&rig), REPLY("07", "80000007", "00"));
	CHECK_EQ(tell_option(&rig, 1, "", 0), NBD_HANG_UP);
	rig_done(&rig);
	go(&rig, "disk", SIMPLE);
	nbd_shut(rig.nbd);
	CHECK_EQ(ask(&rig, (struct asked){READ, 0, 1, 0, 1}, &request), NBD_WANT_INPUT);
	CHECK_STR(heard(&rig), "67446698 0000006c 00000000 00000001");
	rig_done(&rig);
}

TEST(every_errno_is_told_as_one_that_the_protocol_has)
{
	static const int pairs[][2] = {{EPERM, 1}, {EROFS, 1}, {EIO, 5}, {ENOMEM, 12}, {EINVAL, 22},
		{ENOSPC, 28}, {EDQUOT, 28}, {EFBIG, 28}, {EOVERFLOW, 75}, {EOPNOTSUPP, 95},
		{ESHUTDOWN, 108}, {EBADMSG, 5}, {ENODEV, 5}};
	struct rig rig;
	go(&rig, "disk", SIMPLE);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		char want[64];
		struct nbd_request *request;
		CHECK_EQ(ask(&rig, (struct asked){FLUSH, 0, i, 0, 0}, &request), NBD_REQUEST);
		nbd_fail(rig.nbd, request, -pairs[i][0]);
		snprintf(want, sizeof(want), "67446698 000000%02x 00000000 000000%02zx",
			(unsigned)pairs[i][1], i);
		CHECK_STR(heard(&rig), want);
	}
	rig_done(&rig);
}

TEST(flags_that_say_nothing_are_not_handed_out)
{
	struct nbd_request *request;
	struct rig rig;
	go(&rig, "disk", SIMPLE);
	CHECK_EQ(ask(&rig, (struct asked){READ, NBD_FUA, 0, 0, 1}, &request), NBD_REQUEST);
	CHECK_EQ(request->flags, 0);
	CHECK_EQ(ask(&rig, (struct asked){TRIM, NBD_FUA, 0, 0, 1}, &request), NBD_REQUEST);
	CHECK_EQ(request->flags, NBD_FUA);
	CHECK_EQ(ask(&rig, (struct asked){FLUSH, 0, 0, 7, 9}, &request), NBD_REQUEST);
	CHECK_EQ(request->offset + request->length, 0);
	/* What touches nothing is done at once. */
	for (unsigned type = READ; type <= WRITE_ZEROES; type++)
		if (type != DISC && type != FLUSH) {
			heard(&rig);
			CHECK_EQ(ask(&rig, (struct asked){type, 0, 3, 9, 0}, &request),
				NBD_WANT_INPUT);
			CHECK_STR(heard(&rig), "67446698 00000000 00000000 00000003");
		}
	rig_done(&rig);
}

TEST(no_more_is_read_than_can_be_in_flight)
{
	static struct bytes bytes;
	struct nbd_request *requests[NBD_IN_FLIGHT], *none;
	struct rig rig;
	go(&rig, "disk", SIMPLE);
	for (unsigned i = 0; i <= NBD_IN_FLIGHT; i++)
		add_request(&bytes, false, (struct asked){FLUSH, 0, i, 0, 0});
	rig_feed(&rig, bytes.at, bytes.len);
	bytes.len = 0;
	for (unsigned i = 0; i < NBD_IN_FLIGHT; i++) {
		CHECK_EQ(nbd_next(rig.nbd, &requests[i]), NBD_REQUEST);
		CHECK(requests[i]->slot < NBD_IN_FLIGHT);
		for (unsigned j = 0; j < i; j++)
			CHECK(requests[j]->slot != requests[i]->slot);
	}
	CHECK_EQ(nbd_next(rig.nbd, &none), NBD_BUSY);
	CHECK_EQ(nbd_in_flight(rig.nbd), NBD_IN_FLIGHT);
	nbd_done(rig.nbd, requests[77]);
	CHECK_STR(heard(&rig), "67446698 00000000 00000000 0000004d");
	CHECK_EQ(nbd_next(rig.nbd, &none), NBD_REQUEST);
	CHECK_EQ(nbd_next(rig.nbd, &none), NBD_WANT_INPUT);
	rig_done(&rig);
}

/* Nothing is sent, and yet every answer finds its room. */
TEST(answers_never_lack_room)
{
	static uint8_t data[3 * 20000];
	struct nbd_request *requests[NBD_IN_FLIGHT];
	const struct nbd_part parts[] = {
		{data, 20000}, {NULL, 1000}, {data + 20000, 20000}, {NULL, 3}, {data + 40000, 97}};
	struct rig rig;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	go(&rig, "disk", STRUCTURED);
	for (unsigned i = 0; i < NBD_IN_FLIGHT; i++)
		CHECK_EQ(
			ask(&rig, (struct asked){READ, 0, i, 0, i % 2 ? 41100 : 512}, &requests[i]),
			NBD_REQUEST);
	size_t kept = 0, gone = 0;
	for (unsigned i = 0; i < NBD_IN_FLIGHT; i++)
		kept += nbd_read(rig.nbd, requests[i],
			i % 2 ? parts : (struct nbd_part[]){{data, 512}}, i % 2 ? 5 : 1);
	CHECK(kept >= NBD_IN_FLIGHT / 2);
	while (nbd_waiting_bytes(rig.nbd)) {
		rig.heard->len = 0;
		rig_drain(&rig, 100000);
		while (nbd_released(rig.nbd))
			gone++;
	}
	CHECK_EQ(gone, kept);
	CHECK_EQ(rig.nbd->free_count, NBD_IN_FLIGHT);
	rig_done(&rig);
}

TEST(a_payload_is_received_where_it_belongs)
{
	static struct bytes bytes;
	static uint8_t buffer[100000];
	struct nbd_request *write, *again;
	struct iovec room[NBD_ROOM];
	struct rig rig;
	go(&rig, "disk", SIMPLE);
	add_request(&bytes, false, (struct asked){WRITE, NBD_FUA, 1, 4096, sizeof(buffer)});
	for (size_t i = 0; i < sizeof(buffer); i++)
		bytes.at[bytes.len++] = (uint8_t)(i * 3);
	add_request(&bytes, false, (struct asked){WRITE, 0, 2, 0, 5});
	add(&bytes, "hello", 5);
	rig_feed(&rig, bytes.at, 28 + 10);
	CHECK_EQ(nbd_next(rig.nbd, &write), NBD_WANT_BUFFER);
	CHECK_EQ(nbd_next(rig.nbd, &again), NBD_WANT_BUFFER);
	CHECK(write == again && write->flags == NBD_FUA && write->length == sizeof(buffer));
	nbd_buffer(rig.nbd, write, buffer);
	CHECK_EQ(nbd_next(rig.nbd, &again), NBD_WANT_INPUT);
	CHECK_EQ(nbd_room(rig.nbd, room), 2);
	CHECK(room[0].iov_base == buffer + 10 && room[0].iov_len == sizeof(buffer) - 10);
	CHECK_EQ(rig_feed(&rig, bytes.at + 38, bytes.len - 38), bytes.len - 38);
	CHECK_EQ(nbd_next(rig.nbd, &again), NBD_REQUEST);
	CHECK(again == write && write->data == buffer);
	CHECK(memcmp(buffer, bytes.at + 28, sizeof(buffer)) == 0);
	CHECK_EQ(nbd_next(rig.nbd, &again), NBD_REQUEST);
	CHECK(again->length == 5 && memcmp(again->data, "hello", 5) == 0);
	bytes.len = 0;
	rig_done(&rig);
}

TEST(a_client_that_is_gone_leaves_nothing_lent)
{
	static uint8_t buffer[100000];
	struct nbd_request *read, *flush, *write, *none;
	const struct nbd_part part = {buffer, sizeof(buffer)};
	struct rig rig;
	go(&rig, "disk", STRUCTURED);
	CHECK_EQ(ask(&rig, (struct asked){READ, 0, 1, 0, sizeof(buffer)}, &read), NBD_REQUEST);
	CHECK(nbd_read(rig.nbd, read, &part, 1));
	CHECK_EQ(ask(&rig, (struct asked){FLUSH, 0, 2, 0, 0}, &flush), NBD_REQUEST);
	CHECK_EQ(ask(&rig, (struct asked){WRITE, 0, 3, 0, 50000}, &write), NBD_WANT_BUFFER);
	nbd_buffer(rig.nbd, write, buffer);
	nbd_gone(rig.nbd);
	CHECK_EQ(nbd_waiting_bytes(rig.nbd), 0);
	CHECK_EQ(nbd_next(rig.nbd, &none), NBD_BUSY);
	struct nbd_request *one = nbd_released(rig.nbd), *two = nbd_released(rig.nbd);
	CHECK((one == read && two == write) || (one == write && two == read));
	CHECK(!nbd_released(rig.nbd));
	nbd_done(rig.nbd, flush);
	CHECK_EQ(nbd_waiting_bytes(rig.nbd), 0);
	CHECK_EQ(nbd_next(rig.nbd, &none), NBD_HANG_UP);
	rig_done(&rig);
}

/* ---- block status ---- */

static void choose(struct rig *rig, const char *name, enum headers headers)
{
	static struct bytes data, bytes;
	struct nbd_request *request;
	begin(rig);
	add_option(&bytes, headers == EXTENDED ? 11 : 8, NULL, 0);
	add_text(&data, name);
	add32(&data, 2);
	add_text(&data, "base:allocation");
	add_text(&data, "x-ebb:era");
	add_option(&bytes, 10, data.at, data.len);
	add_go(&bytes, name);
	data.len = 0;
	CHECK_EQ(tell(rig, &bytes, &request), NBD_WANT_INPUT);
	heard(rig);
}

TEST(neighbours_alike_are_one_extent)
{
	struct nbd_request *request;
	struct rig rig;
	choose(&rig, "disk", STRUCTURED);
	CHECK_EQ(ask(&rig, (struct asked){BLOCK_STATUS, 0, 1, 0, 4096}, &request), NBD_REQUEST);
	CHECK_EQ(request->contexts, 1 | 1 << 2);
	nbd_context(rig.nbd, request, 0);
	CHECK(nbd_extent(rig.nbd, request, 1024, 3));
	CHECK(nbd_extent(rig.nbd, request, 1024, 3));
	CHECK(nbd_extent(rig.nbd, request, 1024, 0));
	CHECK(!nbd_extent(rig.nbd, request, 8192, 3)); /* past the end of what was asked */
	nbd_context(rig.nbd, request, 2);
	CHECK(!nbd_extent(rig.nbd, request, 4096, 77));
	nbd_done(rig.nbd, request);
	CHECK_STR(heard(&rig),
		"668e33ef 00000005 00000000 00000001 0000001c 00000001 00000800 00000003 00000400 "
		"00000000 00002000 00000003 668e33ef 00010005 00000000 00000001 0000000c 00000003 "
		"00001000 0000004d");
	rig_done(&rig);
}

TEST(one_extent_is_one_and_not_longer)
{
	struct nbd_request *request;
	struct rig rig;
	choose(&rig, "disk", EXTENDED);
	CHECK_EQ(ask(&rig, (struct asked){BLOCK_STATUS, NBD_ONE, 1, 512, 1024}, &request),
		NBD_REQUEST);
	nbd_context(rig.nbd, request, 0);
	CHECK(nbd_extent(rig.nbd, request, 512, 1));
	CHECK(!nbd_extent(rig.nbd, request, 8192, 0));
	nbd_context(rig.nbd, request, 2);
	CHECK(!nbd_extent(rig.nbd, request, 8192, 5));
	nbd_done(rig.nbd, request);
	CHECK_STR(heard(&rig),
		"6e8a278c 00000006 00000000 00000001 00000000 00000200 00000000 00000018 00000001 "
		"00000001 00000000 00000200 00000000 00000001 "
		"6e8a278c 00010006 00000000 00000001 00000000 00000200 00000000 00000018 00000003 "
		"00000001 00000000 00000400 00000000 00000005");
	rig_done(&rig);
}

TEST(extents_fit_their_32_bits_and_the_answer_its_room)
{
	struct nbd_request *request, *none;
	struct rig rig;
	go(&rig, "old", STRUCTURED);
	rig.nbd->contexts = 1;
	CHECK_EQ(ask(&rig, (struct asked){BLOCK_STATUS, 0, 1, 0, UINT32_MAX}, &request),
		NBD_REQUEST);
	CHECK_EQ(ask(&rig, (struct asked){BLOCK_STATUS, 0, 2, 0, 512}, &none), NBD_BUSY);
	nbd_context(rig.nbd, request, 0);
	CHECK(nbd_extent(rig.nbd, request, UINT64_C(3) << 30, 3));
	CHECK(!nbd_extent(rig.nbd, request, UINT64_C(3) << 30, 3));
	nbd_done(rig.nbd, request);
	CHECK_STR(heard(&rig),
		"668e33ef 00010005 00000000 00000001 0000000c 00000001 ffff0000 00000003");
	CHECK_EQ(nbd_next(rig.nbd, &request), NBD_REQUEST); /* the one that had to wait */
	nbd_fail(rig.nbd, request, -EIO);
	CHECK_EQ(ask(&rig, (struct asked){BLOCK_STATUS, 0, 3, 0, 1 << 30}, &request), NBD_REQUEST);
	nbd_context(rig.nbd, request, 0);
	unsigned count = 1;
	while (nbd_extent(rig.nbd, request, 512, count & 1))
		count++;
	CHECK_EQ(count - 1, (STATUS_ROOM - 24) / 8);
	nbd_done(rig.nbd, request);
	rig_done(&rig);
}

TEST(contexts_share_the_room)
{
	struct nbd_request *request;
	struct rig rig;
	choose(&rig, "old", EXTENDED);
	CHECK_EQ(ask(&rig, (struct asked){BLOCK_STATUS, 0, 1, 0, 1 << 30}, &request), NBD_REQUEST);
	CHECK_EQ(request->contexts, 1); /* that export has no other */
	nbd_fail(rig.nbd, request, -EIO);
	rig_done(&rig);
	choose(&rig, "disk", STRUCTURED);
	CHECK_EQ(ask(&rig, (struct asked){BLOCK_STATUS, 0, 1, 0, DISK}, &request), NBD_REQUEST);
	for (unsigned context = 0; context <= 2; context += 2) {
		unsigned count = 1;
		nbd_context(rig.nbd, request, context);
		while (nbd_extent(rig.nbd, request, 16, count & 1))
			count++;
		CHECK_EQ(count - 1, (STATUS_ROOM / 2 - 24) / 8);
	}
	nbd_done(rig.nbd, request);
	CHECK_EQ(nbd_waiting_bytes(rig.nbd), STATUS_ROOM);
	rig_done(&rig);
}

/* ---- TLS ---- */

static void refuses(struct nbd_tls_options options, const char *want)
{
	struct nbd_tls *tls;
	struct why why = {""};
	CHECK_EQ(nbd_tls_new(&options, &tls, &why), -EINVAL);
	CHECK_STR(why.text, want);
}

#define KEY "000102030405060708090a0b0c0d0e0f"

TEST(bad_certificates_and_keys_are_named)
{
	refuses((struct nbd_tls_options){0},
		"TLS needs a certificate with its key, or keys shared with clients");
	refuses((struct nbd_tls_options){.certificates = "x", .psk = "a:" KEY},
		"shared keys keep nobody out who may come by our certificate alone: give the "
		"clients' authorities, too");
	refuses((struct nbd_tls_options){.certificates = "x"}, "the certificate: no start line");
	refuses((struct nbd_tls_options){.psk = "# none\n\n"}, "the shared keys: there are none");
	refuses((struct nbd_tls_options){.psk = "a:" KEY "\nsecret"},
		"the shared keys, line 2: a line is NAME:KEY");
	refuses((struct nbd_tls_options){.psk = ":" KEY},
		"the shared keys, line 1: a line is NAME:KEY");
	refuses((struct nbd_tls_options){.psk = "a:" KEY "0"},
		"the shared keys, line 1: a key is 32 to 128 hexadecimal digits");
	refuses((struct nbd_tls_options){.psk = "a:" KEY "0g"},
		"the shared keys, line 1: a key is 32 to 128 hexadecimal digits");
	refuses((struct nbd_tls_options){.psk = "a:0011"},
		"the shared keys, line 1: a key is 32 to 128 hexadecimal digits");
}

TEST(tls_begins_with_nothing_agreed_on)
{
	struct nbd_tls_options options = {.psk = "a:" KEY "\r\n"};
	struct nbd_tls *tls;
	struct rig rig;
	CHECK_EQ(nbd_tls_new(&options, &tls, NULL), 0);
	rig_init(&rig);
	nbd_secure(rig.nbd, tls, false);
	heard(&rig);
	rig_feed(&rig, (const uint8_t *)"\0\0\0\3", 4);
	tell_option(&rig, 8, "", 0);
	tell_option(&rig, 10, "\0\0\0\0\0\0\0\1\0\0\0\17base:allocation", 27);
	CHECK(rig.nbd->structured && rig.nbd->contexts && rig.held == 1);
	heard(&rig);
	CHECK_EQ(tell_option(&rig, 5, "", 0), NBD_BUSY);
	CHECK(!rig.nbd->structured && !rig.nbd->contexts && rig.held == 0);
	CHECK_STR(heard(&rig), REPLY("05", "00000001", "00"));
	/* What is no TLS now is the end, and is not answered. */
	CHECK_EQ(tell_option(&rig, 3, "", 0), NBD_HANG_UP);
	CHECK_STR(heard(&rig), "");
	CHECK_STR(nbd_ended(rig.nbd), "wrong version number");
	rig_done(&rig);
	nbd_tls_free(tls);
}

TEST_MAIN
