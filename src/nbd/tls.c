/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions over BIOs of memory, and what makes them. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "nbd/tls.h"
#include "nbd/tls_keys.h"

enum { CIPHER_INPUT = 20 << 10 }; /* more than one record */

struct nbd_tls {
	SSL_CTX *context;
	struct tls_keys keys;
};

struct tls_session {
	SSL *ssl;
	BIO *in, *out; /* its own */
	size_t sent;   /* of the bytes of `out` */
	bool broken;
	const char *ended; /* the reason, a text of OpenSSL's own */
	uint8_t room[CIPHER_INPUT];
};

/* ---- who we are ---- */

/* Returns `err`, with what OpenSSL has to say. */
static int say(struct why *why, int err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	return why_set(why, err, "%s: %s", what, reason ? reason : "not usable");
}

static void bio_done(BIO **bio)
{
	BIO_free(*bio);
}

static void x509_done(X509 **certificate)
{
	X509_free(*certificate);
}

static void key_done(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

/* A key that asks for a passphrase gets none, rather than the terminal. */
static int no_passphrase(char *bytes, int size, int writing, void *arg)
{
	(void)bytes;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool add_chain(SSL_CTX *context, BIO *pem)
{
	X509 *above;
	OWN(x509_done) X509 *ours = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
	if (!ours || SSL_CTX_use_certificate(context, ours) != 1)
		return false;
	while ((above = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)))
		if (SSL_CTX_add0_chain_cert(context, above) != 1) {
			X509_free(above);
			return false;
		}
	ERR_clear_error(); /* the end of the text is no error */
	return true;
}

static int use_certificate(SSL_CTX *context, const struct nbd_tls_options *options, struct why *why)
{
	OWN(bio_done) BIO *chain = BIO_new_mem_buf(options->certificates, -1);
	OWN(bio_done) BIO *pem = BIO_new_mem_buf(options->key ? options->key : "", -1);
	if (!chain || !pem)
		return -ENOMEM;
	if (!add_chain(context, chain))
		return say(why, -EINVAL, "the certificate");
	OWN(key_done) EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
	if (!key || SSL_CTX_use_PrivateKey(context, key) != 1 ||
		SSL_CTX_check_private_key(context) != 1)
		return say(why, -EINVAL, "the certificate's private key");
	return 0;
}

static int believe(SSL_CTX *context, const char *authorities, struct why *why)
{
	OWN(bio_done) BIO *pem = BIO_new_mem_buf(authorities, -1);
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	unsigned count = 0;
	if (!pem)
		return -ENOMEM;
	for (;; count++) {
		OWN(x509_done) X509 *one = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
		if (!one)
			break;
		if (X509_STORE_add_cert(store, one) != 1 ||
			SSL_CTX_add_client_CA(context, one) != 1)
			return say(why, -EINVAL, "the clients' authorities");
	}
	if (!count)
		return say(why, -EINVAL, "the clients' authorities");
	ERR_clear_error();
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

/* Called by OpenSSL for TLS 1.2 and 1.3 alike. 0: that client is not known. */
static unsigned on_psk(SSL *ssl, const char *name, unsigned char *ret_key, unsigned most)
{
	const struct nbd_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	return name ? (unsigned)tls_keys_find(&tls->keys, name, ret_key, most) : 0;
}

static int configure(struct nbd_tls *tls, const struct nbd_tls_options *options, struct why *why)
{
	SSL_CTX *context = tls->context;
	int err = 0;
	SSL_CTX_set_app_data(context, tls);
	SSL_CTX_set_mode(context,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			SSL_MODE_RELEASE_BUFFERS);
	/* Nobody comes back to a session: a client has one connection for long. */
	SSL_CTX_set_options(context,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_num_tickets(context, 0) != 1 || SSL_CTX_set_dh_auto(context, 1) != 1)
		return say(why, -EINVAL, "TLS");
	if (options->certificates)
		err = use_certificate(context, options, why);
	if (!err && options->clients)
		err = believe(context, options->clients, why);
	if (!err && options->psk)
		err = tls_keys_read(options->psk, &tls->keys, why);
	if (!err && options->psk)
		SSL_CTX_set_psk_server_callback(context, on_psk);
	return err;
}

int nbd_tls_new(const struct nbd_tls_options *options, struct nbd_tls **ret_tls, struct why *why)
{
	if (!options->certificates && !options->psk)
		return why_set(why, -EINVAL,
			"TLS needs a certificate with its key, or keys shared with clients");
	if (options->certificates && options->psk && !options->clients)
		return why_set(why, -EINVAL,
			"shared keys keep nobody out who may come by our certificate alone: give "
			"the "
			"clients' authorities, too");
	struct nbd_tls *tls = calloc(1, sizeof(*tls));
	int err = -ENOMEM;
	if (tls)
		tls->context = SSL_CTX_new(TLS_server_method());
	if (tls && tls->context)
		err = configure(tls, options, why);
	else
		why_set(why, err, "TLS: no memory");
	if (err)
		nbd_tls_free(tls);
	else
		*ret_tls = tls;
	return err;
}

void nbd_tls_free(struct nbd_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	tls_keys_done(&tls->keys);
	free(tls);
}

/* ---- a session ---- */

struct tls_session *tls_open(struct nbd_tls *tls)
{
	struct tls_session *session = malloc(sizeof(*session));
	if (!session)
		return NULL;
	memset(session, 0, offsetof(struct tls_session, room));
	session->ssl = SSL_new(tls->context);
	session->in = BIO_new(BIO_s_mem());
	session->out = BIO_new(BIO_s_mem());
	if (!session->ssl || !session->in || !session->out) {
		SSL_free(session->ssl);
		BIO_free(session->in);
		BIO_free(session->out);
		free(session);
		return NULL;
	}
	SSL_set_bio(session->ssl, session->in, session->out); /* takes both */
	SSL_set_accept_state(session->ssl);
	return session;
}

void tls_close(struct tls_session *session)
{
	if (!session)
		return;
	SSL_free(session->ssl);
	free(session);
}

struct iovec tls_room(struct tls_session *session)
{
	return (struct iovec){session->room, sizeof(session->room)};
}

void tls_came(struct tls_session *session, size_t len)
{
	must(len <= sizeof(session->room));
	if (BIO_write(session->in, session->room, (int)len) != (int)len)
		session->broken = true;
}

const char *tls_ended(const struct tls_session *session)
{
	return session->ended;
}

/* 0: the session goes on when more has come; else it is broken. */
static int judge(struct tls_session *session, int done)
{
	int error = SSL_get_error(session->ssl, done);
	const char *reason = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return 0;
	session->broken = true;
	if (error != SSL_ERROR_ZERO_RETURN)
		session->ended = reason ? reason : "TLS failed";
	return -EPIPE;
}

int tls_read(struct tls_session *session, void *bytes, size_t len)
{
	if (session->broken)
		return -EPIPE;
	int done = SSL_read(session->ssl, bytes, len < INT32_MAX ? (int)len : INT32_MAX);
	return done > 0 ? done : judge(session, done);
}

size_t tls_write(struct tls_session *session, const void *bytes, size_t len)
{
	if (session->broken || tls_waiting(session).iov_len >= TLS_WAITING)
		return 0;
	int done = SSL_write(session->ssl, bytes, len < TLS_WAITING ? (int)len : TLS_WAITING);
	if (done > 0)
		return (size_t)done;
	judge(session, done);
	return 0;
}

void tls_end(struct tls_session *session)
{
	if (!session->broken)
		SSL_shutdown(session->ssl);
	ERR_clear_error();
	session->broken = true;
}

struct iovec tls_waiting(const struct tls_session *session)
{
	char *bytes;
	long len = BIO_get_mem_data(session->out, &bytes);
	return (struct iovec){bytes + session->sent, (size_t)len - session->sent};
}

void tls_sent(struct tls_session *session, size_t len)
{
	session->sent += len;
	if (tls_waiting(session).iov_len)
		return;
	(void)BIO_reset(session->out);
	session->sent = 0;
}
