/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets of tokens; whoever asked longest ago makes room. */
#include "web/rate.h"

#include "base/units.h"

static struct rate_bucket *bucket_of(struct rate *rate, uint64_t peer, int64_t now_ns)
{
	struct rate_bucket *oldest = &rate->at[0];
	for (int i = 0; i < RATE_PEERS; i++) {
		struct rate_bucket *bucket = &rate->at[i];
		if (bucket->at_ns && bucket->peer == peer)
			return bucket;
		if (bucket->at_ns < oldest->at_ns)
			oldest = bucket;
	}
	*oldest = (struct rate_bucket){peer, now_ns, RATE_BURST};
	return oldest;
}

bool rate_take(struct rate *rate, uint64_t peer, double cost, int64_t now_ns)
{
	struct rate_bucket *bucket = bucket_of(rate, peer, now_ns);
	double passed = (double)(now_ns - bucket->at_ns) / (double)NS_PER_SEC;
	bucket->left += passed > 0 ? passed * RATE_A_SECOND : 0;
	if (bucket->left > RATE_BURST)
		bucket->left = RATE_BURST;
	bucket->at_ns = now_ns;
	if (bucket->left < cost)
		return false;
	bucket->left -= cost;
	return true;
}
