/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share. For this room only.
 *
 * One thread for each struct.
 */
#ifndef EBB_NBD_INNER_H
#define EBB_NBD_INNER_H

#include "nbd/nbd.h"

enum nbd_state {
	NBD_FLAGS,   /* the client's handshake flags come next */
	NBD_OPTION,  /* an option */
	NBD_COMMAND, /* a request */
	NBD_ENDED,
};

/* Numbers in network order out of, and into, bytes. */
struct nbd_out {
	uint8_t *at;
	size_t len, cap, sent;
	bool failed;
};

struct nbd {
	const struct nbd_export *exports; /* borrowed */
	size_t export_count;
	enum nbd_state state;
	bool no_zeroes, structured;
	const struct nbd_export *context; /* base:allocation was chosen for it */
	const struct nbd_export *export;  /* in use */
	uint8_t in[NBD_INPUT];
	size_t in_from, in_len;
	uint64_t skip;           /* bytes of the client that nobody wants */
	uint64_t skipped_option; /* 1 + that option, which is answered when they are gone */
	struct nbd_out out;
	/* The request that the owner answers. */
	bool asked;
	enum nbd_type type;
	uint64_t cookie, offset, end;
	uint64_t done_to; /* pieces reach to here */
	bool whole;       /* its data may not come in pieces */
	size_t answer_at; /* where its answer begins in `out` */
};

static inline uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t be32(const uint8_t *at)
{
	return (uint32_t)be16(at) << 16 | be16(at + 2);
}

static inline uint64_t be64(const uint8_t *at)
{
	return (uint64_t)be32(at) << 32 | be32(at + 4);
}

/* Room at the end of the output; NULL when there is no memory, which is remembered. */
uint8_t *nbd_out_room(struct nbd_out *out, size_t len);
void nbd_out16(struct nbd_out *out, uint16_t value);
void nbd_out32(struct nbd_out *out, uint32_t value);
void nbd_out64(struct nbd_out *out, uint64_t value);
void nbd_out_bytes(struct nbd_out *out, const void *bytes, size_t len);

/* One option that is there whole. */
void nbd_option(struct nbd *nbd, uint32_t option, const uint8_t *data, size_t len);

/* An option that is too long, when its data are gone. */
void nbd_option_too_big(struct nbd *nbd, uint32_t option);

/* One request of 28 bytes. True: the owner is to answer it. */
bool nbd_command(struct nbd *nbd, const uint8_t *at, struct nbd_request *ret_request);

#endif
