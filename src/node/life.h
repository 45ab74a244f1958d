/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node writes down about its own life, as records of node.log, and what they add up to. No
 * I/O.
 *
 * The bytes of a record stand in docs/FORMATS.md, "The node's own files".
 *
 * Any thread. Pure.
 */
#ifndef EBB_NODE_LIFE_H
#define EBB_NODE_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum { LIFE_RECORD = 40, LIFE_VERSION = 24 };

enum life_kind { LIFE_BOOT = 1, LIFE_CONFIG, LIFE_CLOSE };

struct life_record {
	enum life_kind kind;
	int64_t wall_ns;
	uint64_t number;
	char version[LIFE_VERSION]; /* NUL-terminated */
};

/* All zero: never booted. */
struct life {
	uint64_t boot; /* the last one's number, from 1; they only grow */
	int64_t boot_wall_ns;
	char version[LIFE_VERSION]; /* that it ran */
	bool closed;                /* in order; only after a boot */
	uint64_t config;            /* hash of the one accepted last; 0: none */
	int64_t config_wall_ns;
};

void life_record_put(const struct life_record *record, uint8_t bytes[LIFE_RECORD]);

/* 0; -EBADMSG: no record of ours, -ENOTSUP: of a newer program. */
int life_record_get(uint16_t kind, const void *bytes, size_t len, struct life_record *ret_record,
	struct why *why);

/* Adds what a record says. 0; -EBADMSG: it cannot follow on those before, which stand. */
int life_add(struct life *life, const struct life_record *record, struct why *why);

#endif
