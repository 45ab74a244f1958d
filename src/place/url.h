/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How people name a place: a path, or a URL.
 *
 *     /mnt/backup/ebb   backup/ebb   file:///mnt/backup/ebb
 *     s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-1
 *
 * Options of s3, all of which may be left out:
 *   - endpoint: https://HOST[:PORT]; that of AWS in the region by default
 *   - region: where the bucket is
 *   - addressing: path (https://HOST/BUCKET) or host (https://BUCKET.HOST); path where an endpoint
 *     is named
 *   - profile: whose keys in ~/.aws/credentials
 *   - data-class: storage class of packs of content (STANDARD_IA, GLACIER_IR, ...)
 *   - meta-class: storage class of all else
 *   - versions=first: what was written first, whatever hides it or was put over it; for reading
 *   - timeout: so long without progress ends a try; 30s
 *   - cleartext=yes: http without TLS also to other machines
 *
 * Pure; any thread.
 */
#ifndef EBB_PLACE_URL_H
#define EBB_PLACE_URL_H

#include <stdbool.h>
#include <stdint.h>

struct why;

enum place_kind { PLACE_DIR = 1, PLACE_S3 };

enum { PLACE_PATH = 1024, S3_BUCKET = 64, S3_PREFIX = 257, S3_HOST = 260, S3_WORD = 64 };

/* "" or 0: not told. */
struct s3_url {
	char bucket[S3_BUCKET];
	char prefix[S3_PREFIX]; /* without slashes at its ends */
	char host[S3_HOST];     /* with :PORT where it is not the usual one */
	bool tls;
	bool by_host; /* the bucket is part of the host's name */
	bool cleartext;
	bool first_versions;
	char region[S3_WORD], profile[S3_WORD], data_class[S3_WORD], meta_class[S3_WORD];
	int64_t stall_ns;
};

struct place_url {
	enum place_kind kind;
	char path[PLACE_PATH]; /* of a folder; relative ones only when no URL was given */
	struct s3_url s3;
};

/* -EINVAL and a sentence that says what is wrong and what is known. */
int place_url_read(const char *text, struct place_url *ret_url, struct why *why);

/*
 * The endpoint of a URL that names none, from the region or as `endpoint` tells it; and the last
 * checks: without TLS only to this machine, unless told. -EINVAL.
 */
int s3_url_finish(struct s3_url *url, const char *endpoint, const char *region, struct why *why);

#endif
