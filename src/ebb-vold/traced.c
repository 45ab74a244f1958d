/* SPDX-License-Identifier: Apache-2.0 */
/* Handing the trace over. */
#include "ebb-vold/traced.h"

#include <unistd.h>

#include "base/own.h"
#include "os/net.h"

int traced_open(struct traced *traced, struct why *why)
{
	int err = share_make("ebb-trace", TRACE_BYTES, &traced->share, why);
	if (!err)
		trace_begin(&traced->writer, traced->share.bytes);
	return err;
}

/* Root and the same user, as on the command socket. */
static void on_accept(struct listener *listener, struct stream *stream)
{
	const struct traced *traced = listener->arg;
	struct peer peer;
	if (stream_peer(stream, &peer) == 0 && (peer.uid == 0 || peer.uid == geteuid()))
		(void)share_hand(&traced->share, stream);
	stream_close(stream);
}

void traced_listen(struct traced *traced, struct listener *listener)
{
	traced->listener = listener;
	listener->arg = traced;
	listener->on_accept = on_accept;
}

void traced_shut(struct traced *traced)
{
	if (traced->listener)
		listener_close(TAKE(traced->listener));
}

void traced_close(struct traced *traced)
{
	traced_shut(traced);
	share_done(&traced->share);
}
