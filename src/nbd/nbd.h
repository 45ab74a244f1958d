/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the NBD protocol (doc/proto.md of NetworkBlockDevice/nbd, with its extension
 * of extended headers) for one connection: bytes of the client go in, requests come out; answers go
 * in, in any order, bytes for the client come out. No socket, no storage and no clock: whoever has
 * those calls this. Nothing that a client sends is an error of the server's: it gets the answer
 * that the protocol names, or is hung up on.
 *
 * How an owner goes on, each time that the socket is ready or an answer is:
 *
 *     nbd_next() until it says something else than NBD_REQUEST; each request is begun or answered
 *     nbd_waiting(), send, nbd_sent(); in between whenever NBD_BATCH bytes wait
 *     after NBD_WANT_INPUT: nbd_room(), receive, nbd_came(), and again
 *
 * Memory: one block of about 200 KiB for each connection, of which is touched what is used; nothing
 * is allocated later but by TLS. At most NBD_IN_FLIGHT requests are out at a time; more are not
 * read. How long a client may take for its handshake, and how much memory its requests may take, is
 * for the owner to say: it closes, or asks for no more requests.
 *
 * One thread at a time for each struct.
 */
#ifndef EBB_NBD_NBD_H
#define EBB_NBD_NBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
	NBD_PAYLOAD_MAX = 64 << 20, /* of one request; 32 MiB are advertised */
	NBD_NAME_MAX = 4096,
	NBD_IN_FLIGHT = 128,
	NBD_BATCH = 32 << 10, /* bytes that wait and should be sent before more is answered */
	NBD_CONTEXTS = 64,    /* of an export, base:allocation included */
	NBD_PARTS = 8,        /* of the answer to a read */
	NBD_ROOM = 2,         /* parts of nbd_room() */
};

/* ---- what is served ---- */

struct nbd_export {
	const char *name, *description; /* UTF-8, at most 256 bytes each are wise */
	uint64_t size;
	uint32_t preferred; /* block size: a power of two from 512 on; any other is taken as well */
	bool read_only;
	bool rotational;
	bool shared;    /* what is flushed on one connection is flushed for all */
	bool fast_zero; /* zeroes with NBD_FAST_ZERO are fast, or fail with -EOPNOTSUPP */
	const char *const *contexts; /* metadata contexts besides base:allocation, */
	unsigned context_count;      /* below NBD_CONTEXTS of them, each below 256 bytes */
};

/*
 * Where exports come from; they may come and go. What get() and nth() give is held, unchanged,
 * until put(); the export in use is held until nbd_free().
 */
struct nbd_exports {
	const struct nbd_exports_ops *ops;
};

struct nbd_exports_ops {
	/* The export of that name, "" being the default one. NULL: there is none. */
	const struct nbd_export *(*get)(struct nbd_exports *exports, const char *name);
	/* The one in place `index` of the list that clients may see. NULL: it is shorter. */
	const struct nbd_export *(*nth)(struct nbd_exports *exports, size_t index);
	void (*put)(struct nbd_exports *exports, const struct nbd_export *export);
};

/* ---- requests ---- */

enum nbd_type {
	NBD_READ = 0,
	NBD_WRITE = 1,
	NBD_FLUSH = 3, /* covers all that was answered before, on any connection */
	NBD_TRIM = 4,
	NBD_CACHE = 5, /* the range will be read soon */
	NBD_ZERO = 6,
	NBD_STATUS = 7,
};

enum {
	NBD_FUA = 1,        /* durable before it is answered: NBD_WRITE, NBD_TRIM, NBD_ZERO only */
	NBD_NO_HOLE = 2,    /* NBD_ZERO: the range stays allocated */
	NBD_ONE = 8,        /* NBD_STATUS: one extent will do */
	NBD_FAST_ZERO = 16, /* NBD_ZERO: -EOPNOTSUPP with nothing done unless it is fast */
};

/* Offset and length lie within the export; the length is 0 for NBD_FLUSH only. */
struct nbd_request {
	enum nbd_type type;
	uint16_t flags;
	uint16_t slot; /* below NBD_IN_FLIGHT; nobody else's as long as the request lives */
	uint64_t offset, length; /* of NBD_READ and NBD_WRITE at most NBD_PAYLOAD_MAX */
	/*
	 * NBD_WRITE: the payload. Either the owner's buffer (nbd_buffer()), or the payload was
	 * small and lies in the connection's input, until the next nbd_next() or nbd_room().
	 */
	uint8_t *data;
	/* NBD_STATUS: bit 0: base:allocation is asked for; bit n: contexts[n - 1] is. */
	uint64_t contexts;
};

enum nbd_event {
	NBD_WANT_INPUT,  /* nothing to do before more bytes come */
	NBD_REQUEST,     /* to be answered now or later; it is borrowed until then */
	NBD_WANT_BUFFER, /* a write's payload is to come: nbd_buffer(), or it is said again */
	NBD_BUSY,        /* nothing to do before requests are answered, or what waits is sent */
	NBD_HANG_UP,     /* no request is out: send what waits, and close */
};

struct nbd;
struct nbd_tls;

/* Borrows the exports. Gives the connection, with its greeting waiting; NULL: no memory. */
struct nbd *nbd_new(struct nbd_exports *exports);

/*
 * Takes it; NULL is allowed. Requests that are out are gone with it; buffers that were given and
 * not handed back are the owner's to free.
 */
void nbd_free(struct nbd *nbd);

/*
 * Right after nbd_new(): the client may ask for TLS (nbd/tls.h), or must. Borrows `tls`. All that
 * is said below of bytes is then said of TLS's.
 */
void nbd_secure(struct nbd *nbd, struct nbd_tls *tls, bool required);

/* The export in use; NULL before the handshake is over. */
const struct nbd_export *nbd_in_use(const struct nbd *nbd);

/* Why it hung up, for a person. NULL: it did not, or the client said farewell. */
const char *nbd_ended(const struct nbd *nbd);

/* Requests that are out, those that wait for their payload included. */
unsigned nbd_in_flight(const struct nbd *nbd);

/*
 * The client is gone: nothing waits any more, and what is lent comes back by nbd_released(), the
 * write whose payload was not whole included. Requests that are out are answered as ever, so that
 * nbd_next() comes to say NBD_HANG_UP.
 */
void nbd_gone(struct nbd *nbd);

/* From now on whatever the client asks anew is refused because the server goes away. */
void nbd_shut(struct nbd *nbd);

/* ---- bytes ---- */

/*
 * Room for bytes of the client, in up to NBD_ROOM parts to be filled in order; how many parts.
 * Never none after nbd_next() said NBD_WANT_INPUT. The payload of a write is received right in
 * its buffer. Then how many bytes came.
 */
unsigned nbd_room(struct nbd *nbd, struct iovec ret_room[NBD_ROOM]);
void nbd_came(struct nbd *nbd, size_t len);

enum nbd_event nbd_next(struct nbd *nbd, struct nbd_request **ret_request);

/*
 * After NBD_WANT_BUFFER: where the payload of that request goes, request->length bytes. Borrowed
 * until NBD_REQUEST hands the same request out, whole.
 */
void nbd_buffer(struct nbd *nbd, struct nbd_request *request, void *buffer);

/* Bytes for the client: how many, where (up to `most` parts), and how many of them were sent. */
size_t nbd_waiting_bytes(const struct nbd *nbd);
unsigned nbd_waiting(struct nbd *nbd, struct iovec *ret_parts, unsigned most);
void nbd_sent(struct nbd *nbd, size_t len);

/* ---- answers, to any request that is out ---- */

/*
 * NBD_READ, the short way: room for its bytes in the output, to be filled at once and followed by
 * nbd_done(), nbd_fail() or nbd_room_back() before any other call. NULL: not now, or it is too
 * long: nbd_read().
 */
uint8_t *nbd_read_room(struct nbd *nbd, struct nbd_request *request);

/* Gives that room back unused: the request is out as before, and is answered some other way. */
void nbd_room_back(struct nbd *nbd, struct nbd_request *request);

struct nbd_part {
	const uint8_t *bytes; /* NULL: a hole */
	uint64_t len;         /* at least 1 */
};

/*
 * NBD_READ: the whole answer, in at most NBD_PARTS parts that add up to its length. True: the bytes
 * are borrowed until nbd_released() gives the request back; false: they were copied, and the
 * request is gone.
 */
bool nbd_read(
	struct nbd *nbd, struct nbd_request *request, const struct nbd_part *parts, unsigned count);

/* A request whose bytes were sent: the owner has them back. NULL: no more. */
struct nbd_request *nbd_released(struct nbd *nbd);

/*
 * NBD_STATUS: for each context of request->contexts, in ascending order, nbd_context() and then
 * extents from the offset on without a gap, at least one; the last may run past the end of what was
 * asked, not of the export. nbd_extent() says whether more are of use; neighbours with equal flags
 * become one. Then nbd_done().
 */
enum { NBD_HOLE = 1, NBD_ZEROES = 2 }; /* flags of base:allocation */
void nbd_context(struct nbd *nbd, struct nbd_request *request, unsigned context);
bool nbd_extent(struct nbd *nbd, struct nbd_request *request, uint64_t len, uint32_t flags);

/* It is done: all but nbd_read(). */
void nbd_done(struct nbd *nbd, struct nbd_request *request);

/* It failed, with a negative errno; an errno that the protocol lacks is told as EIO. */
void nbd_fail(struct nbd *nbd, struct nbd_request *request, int err);

#endif
