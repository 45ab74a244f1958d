/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the NBD protocol (doc/proto.md of NetworkBlockDevice/nbd) for one
 * connection: bytes of the client go in, requests come out; answers go in, bytes for the client
 * come out. No socket, no storage and no clock: whoever has those calls this.
 *
 * Fixed newstyle handshake with EXPORT_NAME, LIST, INFO, GO, STRUCTURED_REPLY and the metadata
 * context base:allocation; STARTTLS is refused by policy. Exports are read-only: what would write
 * is answered EPERM here. Nothing that a client sends is an error of the server's: it gets the
 * answer that the protocol names, or is hung up on.
 *
 * Memory: 16 KiB of input, and the answers that were not taken yet; ask for the next request when
 * those were, and they stay below 33 MiB. One thread for each struct.
 */
#ifndef EBB_NBD_NBD_H
#define EBB_NBD_NBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NBD_PAYLOAD_MAX = 32 << 20, /* of one request */
	NBD_NAME_MAX = 4096,
	NBD_INPUT = 16 << 10,
	NBD_OPTION_MAX = 12 << 10, /* longer ones are answered TOO_BIG */
};

struct nbd_export {
	const char *name,
		*description; /* borrowed; the first export is also that of the empty name */
	uint64_t size;
	uint32_t preferred; /* block size: a power of two from 512 on */
};

enum nbd_type { NBD_READ = 0, NBD_CACHE = 5, NBD_STATUS = 7 };

/* What the owner is to answer. Offset and length lie within the export. */
struct nbd_request {
	enum nbd_type type;
	const struct nbd_export *export;
	uint64_t offset;
	uint32_t length;
	bool one; /* NBD_STATUS: one extent will do */
};

enum nbd_event {
	NBD_WANT_INPUT, /* nothing to do before more bytes come */
	NBD_REQUEST,    /* answer it before the next call of nbd_next() */
	NBD_HANG_UP,    /* send what is waiting, and close */
};

enum nbd_error { NBD_EIO = 5, NBD_ENOMEM = 12, NBD_ESHUTDOWN = 108 };

enum { NBD_HOLE = 1, NBD_ZERO = 2 }; /* flags of base:allocation */

struct nbd;

/* Borrows the exports. Gives the connection, with its greeting waiting; NULL: no memory. */
struct nbd *nbd_new(const struct nbd_export *exports, size_t count);
void nbd_free(struct nbd *nbd);

/* Room for bytes of the client, never none after nbd_next() said NBD_WANT_INPUT; then how many
 * came.
 */
uint8_t *nbd_room(struct nbd *nbd, size_t *ret_room);
void nbd_came(struct nbd *nbd, size_t len);

enum nbd_event nbd_next(struct nbd *nbd, struct nbd_request *ret_request);

/* Bytes for the client, and how many of them were sent. */
const uint8_t *nbd_waiting(const struct nbd *nbd, size_t *ret_len);
void nbd_sent(struct nbd *nbd, size_t len);

/* ---- answers to the last request ---- */

/*
 * NBD_READ: pieces from its offset on without a gap, data (bytes to fill, NULL: no memory) or
 * holes, then nbd_done() or nbd_fail(). NBD_STATUS: extents likewise. NBD_CACHE: nbd_done() alone.
 */
uint8_t *nbd_data(struct nbd *nbd, uint32_t len);
void nbd_hole(struct nbd *nbd, uint32_t len);
void nbd_extent(struct nbd *nbd, uint32_t len, unsigned flags);
void nbd_done(struct nbd *nbd);

/* Also in the middle: then nothing of the pieces is sent. */
void nbd_fail(struct nbd *nbd, enum nbd_error error);

#endif
