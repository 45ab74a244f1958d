/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share. For this room only.
 *
 * One thread at a time for each struct.
 */
#ifndef EBB_NBD_INNER_H
#define EBB_NBD_INNER_H

#include <string.h>

#include "nbd/nbd.h"

enum {
	INPUT = 64 << 10,
	OUTPUT = 64 << 10,
	OPTION_MAX = 12 << 10,  /* longer ones are answered TOO_BIG */
	OPTIONS_MAX = 4096,     /* of one client */
	STATUS_ROOM = 32 << 10, /* extents of one answer */
	COPY_MAX = 8 << 10,     /* longer answers are sent from where they are */
	HEAD_MAX = 48,          /* the longest head of a chunk: 32 + 8 + 4, or + 6 */
	AHEAD = 4 << 10,        /* input taken behind a payload that is received in place */
	REPLY_MAX = 24 << 10,   /* what one option may have answered */
	SEGMENTS = NBD_IN_FLIGHT * (2 * NBD_PARTS + 3) + 2,
};

enum nbd_state {
	AT_FLAGS,   /* the client's handshake flags come next */
	AT_OPTION,  /* an option */
	AT_LIST,    /* the answer to LIST is being given */
	AT_TLS,     /* what waits must be sent in the clear before TLS begins */
	AT_COMMAND, /* a request */
	AT_PAYLOAD, /* the payload of a write */
	AT_END,
};

enum slot_state {
	FREE,
	OUT,     /* with the owner, or on its way there */
	SENDING, /* answered; its head, its bytes or both are waiting */
	KEPT,    /* the same, and the owner wants to know when they were sent */
};

struct slot {
	struct nbd_request request;
	uint64_t cookie;
	uint16_t type; /* as the client named it, also when it is none */
	uint8_t state;
	bool whole; /* a read whose data may not come in pieces */
	uint8_t head[HEAD_MAX];
};

/* Bytes to be sent. */
struct segment {
	const uint8_t *at; /* NULL: zeros */
	uint32_t len;
	int16_t slot; /* the one whose last segment this is; -1: none */
	bool ours;    /* within `bytes` of the output */
};

/*
 * Segments first .. first + count are waiting. Those that are ours lie in `bytes` in their order,
 * which is begun anew whenever none waits.
 */
struct output {
	size_t waiting; /* bytes in all */
	size_t len;     /* used of `bytes` */
	size_t ours;    /* of the bytes waiting those in `bytes` */
	unsigned first, count;
	struct segment segments[SEGMENTS];
	uint8_t bytes[OUTPUT];
};

/* The one answer to NBD_STATUS that is being built or sent. */
struct status {
	bool busy;
	bool full;     /* no more of the context in hand */
	size_t len;    /* used of `bytes` */
	size_t chunk;  /* where the chunk of the context in hand begins */
	size_t room;   /* it ends here at the latest */
	unsigned left; /* contexts that follow it */
	unsigned extents;
	uint64_t at;   /* extents of the context reach to here */
	uint64_t last; /* length and flags of the last one */
	uint32_t flags;
	uint8_t bytes[STATUS_ROOM];
};

struct nbd {
	struct nbd_exports *exports; /* borrowed */
	struct nbd_tls *tls;         /* borrowed; NULL: there is none */
	bool tls_required;
	struct tls_session *session;
	enum nbd_state state;
	const char *ended; /* why, if there is a reason to tell */
	bool no_zeroes, structured, extended, shut, gone;
	unsigned options;
	size_t listed;                       /* AT_LIST: how many were told */
	const struct nbd_export *export;     /* in use */
	uint64_t contexts;                   /* chosen */
	const struct nbd_export *context_of; /* for this one, held until it is in use */
	char context_name[NBD_NAME_MAX + 1]; /* asked for by this name */
	char name[NBD_NAME_MAX + 1];         /* that of the option in hand */

	size_t in_from, in_len;
	uint64_t skip;       /* bytes of the client that nobody wants */
	bool skipping;       /* and when they are gone, this is due: */
	bool skipped_option; /* TOO_BIG for `skipped`, else slot `skipped` fails */
	uint32_t skipped, skip_error;
	struct slot *filling; /* AT_PAYLOAD */
	uint64_t filled;

	unsigned in_flight;
	unsigned free_count, released_count;
	uint16_t free[NBD_IN_FLIGHT], released[NBD_IN_FLIGHT];
	struct slot *room_of; /* nbd_read_room() was called for it, and its bytes begin here: */
	size_t room_at;

	struct slot slots[NBD_IN_FLIGHT];
	struct output out;
	struct status status;
	uint8_t in[INPUT];
};

/* ---- numbers in network order ---- */

static inline uint16_t be16(const uint8_t *at)
{
	uint16_t v;
	memcpy(&v, at, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t be32(const uint8_t *at)
{
	uint32_t v;
	memcpy(&v, at, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t be64(const uint8_t *at)
{
	uint64_t v;
	memcpy(&v, at, sizeof(v));
	return __builtin_bswap64(v);
}

/* Each puts a number and says where the next one goes. */

static inline uint8_t *put16(uint8_t *at, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

static inline uint8_t *put32(uint8_t *at, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

static inline uint8_t *put64(uint8_t *at, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

enum { GO_ON = -1 }; /* what a step says beside the events */

/* The connection ends; NULL: as the client wished. */
static inline void end(struct nbd *nbd, const char *why)
{
	nbd->state = AT_END;
	nbd->ended = why;
}

/* ---- output.c ---- */

/* How much more fits into our own bytes. */
static inline size_t out_free(const struct output *out)
{
	return OUTPUT - out->len;
}

/* Room at the end of our own bytes, which must be there. */
uint8_t *out_room(struct output *out, size_t len);

/* Takes back the last `len` of them. */
void out_undo(struct output *out, size_t len);

/* As nbd_waiting() and nbd_sent(), before TLS. */
unsigned out_parts(const struct output *out, struct iovec *ret_parts, unsigned most);
void out_sent(struct nbd *nbd, size_t len);

/* All that waits counts as sent. */
void out_drop(struct nbd *nbd);

/* Borrows the bytes until they were sent; NULL: zeros. */
void out_lend(struct output *out, const uint8_t *bytes, size_t len);

/* `slot` is done with when all that waits now was sent. The last segment is a lent one. */
void out_mark(struct output *out, unsigned slot);

/* ---- nbd.c ---- */

static inline struct slot *slot_of(struct nbd_request *request)
{
	return (struct slot *)(void *)request;
}

/* nbd_new() and nbd_free() but for the memory. */
void nbd_init(struct nbd *nbd, struct nbd_exports *exports);
void nbd_done_with(struct nbd *nbd);

/* The slot was answered; nothing of it waits. */
void slot_free(struct nbd *nbd, struct slot *slot);

/* Bytes of the input are dealt with. */
static inline void in_take(struct nbd *nbd, size_t len)
{
	nbd->in_from += len;
	nbd->in_len -= len;
}

/* As nbd_room() and nbd_came(), behind TLS. */
unsigned in_room(struct nbd *nbd, struct iovec ret_room[NBD_ROOM]);
void in_came(struct nbd *nbd, size_t len);

/* ---- wire.c ---- */

/* More input from the session, if there is one and it has some. An event, or GO_ON. */
int wire_pull(struct nbd *nbd);

/* Says farewell. */
void wire_end(struct nbd *nbd);
void wire_close(struct nbd *nbd);

/* ---- handshake.c, context.c ---- */

/* One option that is there whole. */
void option_answer(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len);

/* An option that is too long, when its data are gone. */
void option_too_big(struct nbd *nbd, uint32_t option);

/* Goes on with the answer to LIST. False: what waits must be sent first. */
bool option_list(struct nbd *nbd);

#define REPLY_ERROR (UINT32_C(1) << 31)
enum reply { ACK = 1, SERVER = 2, REPLY_INFO = 3, META_CONTEXT = 4 };
#define ERR_UNSUP (REPLY_ERROR | 1)
#define ERR_POLICY (REPLY_ERROR | 2)
#define ERR_INVALID (REPLY_ERROR | 3)
#define ERR_TLS_REQD (REPLY_ERROR | 5)
#define ERR_UNKNOWN (REPLY_ERROR | 6)
#define ERR_SHUTDOWN (REPLY_ERROR | 7)
#define ERR_TOO_BIG (REPLY_ERROR | 9)
#define ERR_EXT_HEADER_REQD (REPLY_ERROR | 10)

/* Room for the `len` bytes of a reply's data, behind its head. */
uint8_t *option_reply(struct nbd *nbd, uint32_t option, uint32_t type, size_t len);

/* The name of `len` bytes into nbd->name. False: no export can have it. */
bool option_name(struct nbd *nbd, const uint8_t *at, size_t len);

enum { LIST_META_CONTEXT = 9, SET_META_CONTEXT = 10 };
/* Nothing is chosen any more. */
void option_forget(struct nbd *nbd);

void option_contexts(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len);

/* ---- request.c, answer.c ---- */

enum command { READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS };

/* Takes one request from the input, if it is there. An event, or GO_ON. */
int command_take(struct nbd *nbd, struct nbd_request **ret_request);

/* Answers with an error of the protocol's, and is done with the slot. */
void answer_error(struct nbd *nbd, struct slot *slot, uint32_t error);

/* It went well, and there are no data. */
void answer_plain(struct nbd *nbd, struct slot *slot);

enum {
	EPERM_ = 1,
	EIO_ = 5,
	ENOMEM_ = 12,
	EINVAL_ = 22,
	ENOSPC_ = 28,
	EOVERFLOW_ = 75,
	ENOTSUP_ = 95,
	ESHUTDOWN_ = 108
};

#endif
