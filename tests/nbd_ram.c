/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk of memory behind room nbd, so that real clients can be held against the room alone:
 *
 *     nbd_ram SOCKET|-s SIZE [shuffle=SEED] [cert=FILE key=FILE] [clients=FILE] [psk=FILE]
 *         [required=1]
 *
 * serves the exports "disk" (the default), "read-only" (the same bytes) and "rotating" on a Unix
 * socket, or one connection on its standard input. With a seed, answers come in an order drawn from
 * it. The metadata context qemu:dirty-bitmap:all tells which pages were ever written.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/must.h"
#include "base/rng.h"
#include "base/why.h"
#include "nbd/nbd.h"
#include "nbd/tls.h"

enum { PAGE = 4096, CLIENTS = 16, PARTS = 64, FILE_MAX = 64 << 10 };

enum { HAS_DATA = 1, DIRTY = 2 };

struct ram {
	struct nbd_exports exports;
	struct nbd_export served[3];
	uint8_t *bytes;
	uint8_t *pages; /* what each is */
	uint64_t size;
	struct nbd_tls *tls;
	bool tls_required;
	bool shuffled;
	struct rng rng;
};

struct client {
	struct ram *ram;
	struct nbd *nbd;
	int in, out;
	bool wants_input, ended;
	struct nbd_request *waiting[NBD_IN_FLIGHT];
	unsigned count;
	int errors[NBD_IN_FLIGHT];
	uint8_t *buffers[NBD_IN_FLIGHT];
};

/* ---- exports ---- */

static const struct nbd_export *nth(struct nbd_exports *exports, size_t index)
{
	struct ram *ram = (struct ram *)(void *)exports;
	return index < 3 ? &ram->served[index] : NULL;
}

static const struct nbd_export *get(struct nbd_exports *exports, const char *name)
{
	for (size_t i = 0; i < 3; i++)
		if (!*name || strcmp(nth(exports, i)->name, name) == 0)
			return nth(exports, i);
	return NULL;
}

static void put(struct nbd_exports *exports, const struct nbd_export *export)
{
	(void)exports;
	(void)export;
}

static const struct nbd_exports_ops ops = {get, nth, put};

static void ram_init(struct ram *ram, uint64_t size)
{
	static const char *const contexts[] = {"qemu:dirty-bitmap:all"};
	uint64_t pages = (size + PAGE - 1) / PAGE;
	ram->exports.ops = &ops;
	ram->size = size;
	ram->bytes = calloc(pages, PAGE);
	ram->pages = calloc(pages, 1);
	must(ram->bytes && ram->pages);
	for (unsigned i = 0; i < 3; i++)
		ram->served[i] = (struct nbd_export){.name = i == 0 ? "disk"
				: i == 1                            ? "read-only"
								    : "rotating",
			.description = "memory",
			.size = size,
			.preferred = PAGE,
			.shared = true,
			.fast_zero = true,
			.read_only = i == 1,
			.rotational = i == 2,
			.contexts = contexts,
			.context_count = 1};
}

/* ---- the disk ---- */

static void mark(struct ram *ram, uint64_t at, uint64_t len)
{
	for (uint64_t page = at / PAGE; page <= (at + len - 1) / PAGE; page++)
		ram->pages[page] = HAS_DATA | DIRTY;
}

/* Whole pages become holes, unless they must stay. */
static void clear(struct ram *ram, uint64_t at, uint64_t len, bool keep)
{
	memset(ram->bytes + at, 0, len);
	mark(ram, at, len);
	for (uint64_t page = (at + PAGE - 1) / PAGE; !keep && (page + 1) * PAGE <= at + len; page++)
		ram->pages[page] = DIRTY;
}

/* Where the pages like the first one end. */
static uint64_t alike(const struct ram *ram, uint64_t at, uint64_t end, uint8_t mask)
{
	uint8_t first = ram->pages[at / PAGE] & mask;
	while (at < end && (ram->pages[at / PAGE] & mask) == first)
		at = (at / PAGE + 1) * PAGE;
	return at < end ? at : end;
}

static int change(struct ram *ram, const struct nbd_request *request)
{
	uint64_t at = request->offset, len = request->length;
	bool whole = at % PAGE == 0 && len % PAGE == 0;
	if (request->type == NBD_WRITE) {
		memcpy(ram->bytes + at, request->data, len);
		mark(ram, at, len);
	} else if (request->type == NBD_TRIM) {
		clear(ram, at, len, false);
	} else if (request->type == NBD_ZERO) {
		if (request->flags & NBD_FAST_ZERO && !whole)
			return -EOPNOTSUPP;
		clear(ram, at, len, request->flags & NBD_NO_HOLE);
	}
	return 0;
}

/* ---- answers ---- */

static void answer_read(struct client *client, struct nbd_request *request)
{
	struct ram *ram = client->ram;
	struct nbd_part parts[NBD_PARTS];
	uint64_t at = request->offset, end = at + request->length;
	unsigned count = 0;
	while (at < end) {
		bool data = ram->pages[at / PAGE] & HAS_DATA || count == NBD_PARTS - 1;
		uint64_t to = count == NBD_PARTS - 1 ? end : alike(ram, at, end, HAS_DATA);
		parts[count++] = (struct nbd_part){data ? ram->bytes + at : NULL, to - at};
		at = to;
	}
	nbd_read(client->nbd, request, parts, count);
}

static void answer_status(struct client *client, struct nbd_request *request)
{
	for (unsigned context = 0; context < 2; context++) {
		if (!(request->contexts >> context & 1))
			continue;
		uint64_t at = request->offset, to;
		bool more = true;
		nbd_context(client->nbd, request, context);
		for (; more && at < client->ram->size; at = to) {
			uint8_t page = client->ram->pages[at / PAGE];
			uint32_t flags = context  ? (page & DIRTY) != 0
				: page & HAS_DATA ? 0
						  : NBD_HOLE | NBD_ZEROES;
			to = alike(client->ram, at, client->ram->size, context ? DIRTY : HAS_DATA);
			more = nbd_extent(client->nbd, request, to - at, flags);
		}
	}
	nbd_done(client->nbd, request);
}

static void answer_one(struct client *client)
{
	unsigned i = client->ram->shuffled ? (unsigned)rng_below(&client->ram->rng, client->count)
					   : 0;
	struct nbd_request *request = client->waiting[i];
	int err = client->errors[request->slot];
	client->count--;
	memmove(client->waiting + i, client->waiting + i + 1,
		(client->count - i) * sizeof(*client->waiting));
	if (request->type == NBD_READ)
		answer_read(client, request);
	else if (request->type == NBD_STATUS)
		answer_status(client, request);
	else if (err)
		nbd_fail(client->nbd, request, err);
	else
		nbd_done(client->nbd, request);
}

static void begin(struct client *client, struct nbd_request *request)
{
	unsigned slot = request->slot;
	client->errors[slot] = change(client->ram, request);
	free(client->buffers[slot]);
	client->buffers[slot] = NULL;
	client->waiting[client->count++] = request;
}

/* ---- bytes ---- */

/* False: the socket is full, or gone. */
static bool send_some(struct client *client)
{
	struct iovec parts[PARTS];
	while (nbd_waiting_bytes(client->nbd)) {
		unsigned count = nbd_waiting(client->nbd, parts, PARTS);
		ssize_t n = writev(client->out, parts, (int)count);
		if (n < 0) {
			client->ended |= errno != EAGAIN;
			return false;
		}
		nbd_sent(client->nbd, (size_t)n);
		while (nbd_released(client->nbd)) {
		}
	}
	return true;
}

static void answer_all(struct client *client)
{
	while (client->count) {
		answer_one(client);
		if (nbd_waiting_bytes(client->nbd) >= NBD_BATCH)
			send_some(client);
	}
}

static void go_on(struct client *client)
{
	struct nbd_request *request;
	client->wants_input = false;
	for (;;) {
		switch (nbd_next(client->nbd, &request)) {
		case NBD_REQUEST:
			begin(client, request);
			break;
		case NBD_WANT_BUFFER:
			client->buffers[request->slot] = malloc(request->length);
			must(client->buffers[request->slot]);
			nbd_buffer(client->nbd, request, client->buffers[request->slot]);
			break;
		case NBD_BUSY:
			answer_all(client);
			if (!send_some(client))
				return;
			break;
		case NBD_HANG_UP:
			client->ended |= send_some(client);
			return;
		case NBD_WANT_INPUT:
		default:
			answer_all(client);
			client->wants_input = send_some(client);
			return;
		}
	}
}

static void receive(struct client *client)
{
	struct iovec room[NBD_ROOM];
	unsigned count = nbd_room(client->nbd, room);
	ssize_t n = readv(client->in, room, (int)count);
	if (n > 0)
		nbd_came(client->nbd, (size_t)n);
	else
		client->ended |= n == 0 || errno != EAGAIN;
}

static struct client *client_new(struct ram *ram, int in, int out)
{
	struct client *client = calloc(1, sizeof(*client));
	must(client);
	*client = (struct client){.ram = ram, .in = in, .out = out};
	client->nbd = nbd_new(&ram->exports);
	must(client->nbd);
	nbd_secure(client->nbd, ram->tls, ram->tls_required);
	return client;
}

static void client_free(struct client *client)
{
	close(client->in);
	nbd_free(client->nbd);
	for (unsigned i = 0; i < NBD_IN_FLIGHT; i++)
		free(client->buffers[i]);
	free(client);
}

static void turn(struct client *client, short events)
{
	if (events & POLLOUT)
		send_some(client);
	if (events & (POLLIN | POLLHUP) && client->wants_input)
		receive(client);
	if (!client->ended)
		go_on(client);
}

/* ---- the server ---- */

/* The name comes last: who sees it can connect. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", path);
	must(fd >= 0 && len > 0 && (size_t)len < sizeof(address.sun_path));
	unlink(address.sun_path);
	must(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 16) == 0);
	must(rename(address.sun_path, path) == 0);
	return fd;
}

static void serve(struct ram *ram, int listener)
{
	struct client *clients[CLIENTS];
	unsigned count = 0;
	if (listener < 0) {
		clients[count++] = client_new(ram, 0, 1);
		go_on(clients[0]);
	}
	while (listener >= 0 || count) {
		struct pollfd polled[CLIENTS + 1];
		for (unsigned i = 0; i < count; i++)
			polled[i] = (struct pollfd){clients[i]->in,
				(short)((clients[i]->wants_input ? POLLIN : 0) |
					(nbd_waiting_bytes(clients[i]->nbd) ? POLLOUT : 0)),
				0};
		polled[count] = (struct pollfd){count < CLIENTS ? listener : -1, POLLIN, 0};
		must(poll(polled, count + 1, -1) >= 0);
		unsigned kept = 0, seen = count;
		for (unsigned i = 0; i < seen; i++) {
			if (polled[i].revents)
				turn(clients[i], polled[i].revents);
			if (clients[i]->ended)
				client_free(clients[i]);
			else
				clients[kept++] = clients[i];
		}
		count = kept;
		if (polled[seen].revents) {
			int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
			must(fd >= 0);
			clients[count] = client_new(ram, fd, fd);
			go_on(clients[count++]);
		}
	}
}

/* A whole file, with a NUL behind it. */
static char *read_file(const char *path)
{
	char *text = calloc(1, FILE_MAX);
	FILE *file = fopen(path, "r");
	must(text && file);
	must(fread(text, 1, FILE_MAX - 1, file) < FILE_MAX - 1);
	fclose(file);
	return text;
}

/* The value of argument "name=..."; NULL: it is not there. */
static const char *option(char **words, const char *name)
{
	size_t len = strlen(name);
	for (; *words; words++)
		if (strncmp(*words, name, len) == 0 && (*words)[len] == '=')
			return *words + len + 1;
	return NULL;
}

static void secure(struct ram *ram, char **words)
{
	static const char *const names[] = {"cert", "key", "clients", "psk"};
	char *texts[4] = {NULL};
	struct why why;
	for (unsigned i = 0; i < 4; i++)
		if (option(words, names[i]))
			texts[i] = read_file(option(words, names[i]));
	struct nbd_tls_options options = {texts[0], texts[1], texts[2], texts[3]};
	ram->tls_required = option(words, "required");
	if ((texts[0] || texts[3]) && nbd_tls_new(&options, &ram->tls, &why)) {
		fprintf(stderr, "%s\n", why.text);
		exit(1);
	}
	for (unsigned i = 0; i < 4; i++)
		free(texts[i]);
}

int main(int argc, char **argv)
{
	struct ram ram = {0};
	if (argc < 3) {
		fprintf(stderr,
			"usage: nbd_ram SOCKET|-s SIZE [shuffle=SEED] [cert=FILE key=FILE] "
			"[clients=FILE] [psk=FILE] [required=1]\n");
		return 2;
	}
	const char *seed = option(argv + 3, "shuffle");
	signal(SIGPIPE, SIG_IGN);
	ram_init(&ram, strtoull(argv[2], NULL, 10));
	secure(&ram, argv + 3);
	ram.shuffled = seed;
	if (seed)
		rng_seed(&ram.rng, strtoull(seed, NULL, 10));
	serve(&ram, strcmp(argv[1], "-s") == 0 ? -1 : listen_at(argv[1]));
	nbd_tls_free(ram.tls);
	free(ram.bytes);
	free(ram.pages);
	return 0;
}
