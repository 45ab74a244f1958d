/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The net between simulated nodes, and the rules of its weather. Streams are as os/net.h says;
 * addresses are "sim:NODE/NAME", where only NODE listens, and "unix:PATH" within each node.
 *
 * Each direction of a stream has one burst of bytes under way. A burst that is lost, or meets a
 * cut, is sent again after 0.2 s, 0.4 s ... and after SIM_NET_TRIES in vain the sender's stream is
 * gone with -ETIMEDOUT; its peer hears nothing. Bytes thus arrive in order and exactly once, or the
 * stream ends in an error. A peer that crashed stays silent; one that has restarted since answers
 * with a reset, and so does an end that was closed; the reset may overtake what was written before.
 * Bursts of different streams overtake each other by their jitter. Within a node ("unix:") nothing
 * is lost and nothing overtakes: what was written before the close is still delivered.
 *
 * One thread.
 */
#ifndef EBB_SIM_NET_H
#define EBB_SIM_NET_H

#include <stdbool.h>
#include <stdint.h>

struct sim;
struct sim_node;

enum { SIM_NET_TRIES = 9, SIM_NET_BUFFER = 32 * 1024 /* each way, at each end */ };

/* One direction between two nodes. */
struct sim_link {
	int64_t delay_ns, jitter_ns; /* each burst: delay + 0 .. jitter */
	uint64_t bytes_per_sec;      /* shared by all streams of the direction; 0: no limit */
	uint32_t loss_per_million;   /* of bursts and of their acknowledgements */
	uint32_t reset_per_million;  /* of bursts: both ends are reset */
	bool cut;                    /* nothing passes */
};

/* What each link is from the start: 200 us + 0 .. 100 us, 125 MB/s, nothing lost. */
struct sim_link sim_link_default(void);

/* Borrowed; may be changed at any time, bursts already under way arrive. `from` is not `to`. */
struct sim_link *sim_net_link(struct sim_node *from, struct sim_node *to);

/* Cuts or heals all links from one side to the other; both ways: call it twice. */
void sim_net_cut(struct sim_node *from, struct sim_node *to, bool cut);

/* Cuts the node off from all others, both ways, or heals those links. */
void sim_net_isolate(struct sim_node *node, bool cut);
void sim_net_heal(struct sim *sim);

/* Resets every stream between the two, both ends at once. */
void sim_net_reset(struct sim_node *a, struct sim_node *b);

#endif
