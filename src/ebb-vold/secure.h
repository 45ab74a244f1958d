/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which clients must speak TLS: what the command line says of it, and the files that it names.
 *
 * The main thread, before anything else runs.
 */
#ifndef EBB_EBB_VOLD_SECURE_H
#define EBB_EBB_VOLD_SECURE_H

struct nbd_tls;
struct options;
struct why;

/* -EINVAL: they contradict each other, or would let bytes of volumes out in the clear. */
int secure_check(const struct options *options, struct why *why);

/* Gives what the files say, NULL without any. -EINVAL, -ENOENT ... */
int secure_open(const struct options *options, struct nbd_tls **ret_tls, struct why *why);

#endif
