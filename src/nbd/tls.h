/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for connections of NBD, the server's side: TLS 1.2 and 1.3 by OpenSSL. Who we are and whom we
 * believe is one struct nbd_tls for any number of connections; nbd_secure() puts it to use. No file
 * is read here and no socket used.
 *
 * Clients know us by a certificate, or share a key with us (TLS-PSK, as GnuTLS does it in libnbd,
 * nbdkit and qemu), or either.
 *
 * struct nbd_tls: made and freed by one thread, used by any. A session: one thread at a time.
 */
#ifndef EBB_NBD_TLS_H
#define EBB_NBD_TLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct nbd_tls;
struct tls_session;
struct why;

/* Texts that are borrowed for the call. NULL: none. */
struct nbd_tls_options {
	const char *certificates; /* ours and those above it, PEM; with it: */
	const char *key;          /* its private key, PEM, without passphrase */
	const char *clients;      /* authorities that clients' certificates must come from, PEM */
	const char *psk;          /* shared keys: lines of NAME:HEX, as psktool writes them */
};

/* -EINVAL, and what is wrong with which of them; -ENOMEM. */
int nbd_tls_new(const struct nbd_tls_options *options, struct nbd_tls **ret_tls, struct why *why);

/* When no connection uses it any more. NULL is allowed. */
void nbd_tls_free(struct nbd_tls *tls);

/* ---- one session, as a filter between a connection and its socket; for this room ---- */

/* Borrows `tls`. NULL: no memory. */
struct tls_session *tls_open(struct nbd_tls *tls);
void tls_close(struct tls_session *session);

/* Room for what the client sends, and how much came. */
struct iovec tls_room(struct tls_session *session);
void tls_came(struct tls_session *session, size_t len);

/* What it said, in the clear. 0: nothing before more comes; -EPIPE: it left, or broke the rules. */
int tls_read(struct tls_session *session, void *bytes, size_t len);

/*
 * Takes what is to be told: how much; 0: none of it now. It goes no further while TLS_WAITING bytes
 * wait to be sent, so that these stay few. What TLS says by itself comes on top; nothing is read
 * any more when TLS_WAITING_MOST wait.
 */
enum { TLS_WAITING = 64 << 10, TLS_WAITING_MOST = 2 * TLS_WAITING };
size_t tls_write(struct tls_session *session, const void *bytes, size_t len);

/* Why it goes no further, as OpenSSL has it; NULL: it goes on, or the client said farewell. */
const char *tls_ended(const struct tls_session *session);

/* Nothing more is to be told. */
void tls_end(struct tls_session *session);

/* Bytes for the client, and how many of them were sent. */
struct iovec tls_waiting(const struct tls_session *session);
void tls_sent(struct tls_session *session, size_t len);

#endif
