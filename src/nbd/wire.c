/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of the socket: those of the protocol as they are, or by way of TLS. */
#include "base/must.h"
#include "nbd/inner.h"
#include "nbd/tls.h"

void nbd_secure(struct nbd *nbd, struct nbd_tls *tls, bool required)
{
	must(nbd->state == AT_FLAGS);
	nbd->tls = tls;
	nbd->tls_required = required;
}

/* All that was said in the clear is sent: the client speaks TLS from here on. */
static void secure(struct nbd *nbd)
{
	/* What came before the client could know that we agree was put there by somebody else. */
	if (nbd->in_len) {
		end(nbd, "bytes in the clear behind STARTTLS");
		return;
	}
	nbd->state = AT_OPTION;
	nbd->session = tls_open(nbd->tls);
	if (!nbd->session)
		end(nbd, "TLS: no memory");
}

void wire_close(struct nbd *nbd)
{
	tls_close(nbd->session);
	nbd->session = NULL;
}

/* ---- in ---- */

unsigned nbd_room(struct nbd *nbd, struct iovec ret_room[NBD_ROOM])
{
	if (!nbd->session)
		return in_room(nbd, ret_room);
	ret_room[0] = tls_room(nbd->session);
	return 1;
}

void nbd_came(struct nbd *nbd, size_t len)
{
	if (nbd->session)
		tls_came(nbd->session, len);
	else
		in_came(nbd, len);
}

int wire_pull(struct nbd *nbd)
{
	struct iovec room[NBD_ROOM];
	if (!nbd->session)
		return NBD_WANT_INPUT;
	/*
	 * A client may have TLS itself say things; it must take them, too. Answers alone do not
	 * keep it from being heard: it may want to say all that it has before it takes any.
	 */
	if (tls_waiting(nbd->session).iov_len >= TLS_WAITING_MOST)
		return NBD_BUSY;
	in_room(nbd, room);
	int n = tls_read(nbd->session, room->iov_base, room->iov_len);
	if (n == 0)
		return NBD_WANT_INPUT;
	if (n > 0)
		in_came(nbd, (size_t)n);
	else
		end(nbd, tls_ended(nbd->session));
	return GO_ON;
}

/* ---- out ---- */

/* What waits goes into the session, as much as it takes. */
static void push(struct nbd *nbd)
{
	struct iovec part;
	while (out_parts(&nbd->out, &part, 1)) {
		size_t n = tls_write(nbd->session, part.iov_base, part.iov_len);
		if (n) {
			out_sent(nbd, n);
			continue;
		}
		/* A session that has nothing to send and takes nothing is over. */
		if (!tls_waiting(nbd->session).iov_len) {
			end(nbd, tls_ended(nbd->session));
			out_drop(nbd);
		}
		return;
	}
}

void wire_end(struct nbd *nbd)
{
	if (!nbd->session)
		return;
	push(nbd);
	if (!nbd->out.waiting)
		tls_end(nbd->session);
}

size_t nbd_waiting_bytes(const struct nbd *nbd)
{
	return nbd->out.waiting + (nbd->session ? tls_waiting(nbd->session).iov_len : 0);
}

unsigned nbd_waiting(struct nbd *nbd, struct iovec *ret_parts, unsigned most)
{
	must(!nbd->room_of);
	if (!nbd->session)
		return out_parts(&nbd->out, ret_parts, most);
	push(nbd);
	*ret_parts = tls_waiting(nbd->session);
	return ret_parts->iov_len != 0;
}

void nbd_sent(struct nbd *nbd, size_t len)
{
	if (nbd->session)
		tls_sent(nbd->session, len);
	else
		out_sent(nbd, len);
	if (nbd->state == AT_TLS && !nbd->out.waiting)
		secure(nbd);
}
