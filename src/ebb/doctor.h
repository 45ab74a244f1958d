/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is on a machine that matters to ebb, and what is wrong: each a finding, for `doctor`.
 * Looking changes nothing, and what cannot be looked at is left out or said.
 *
 * The main thread only.
 */
#ifndef EBB_EBB_DOCTOR_H
#define EBB_EBB_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "conf/conf.h"

struct call;

enum finding_level { FINDING_GOOD, FINDING_NOTE, FINDING_WRONG };

enum { FINDING_NAME = 160, FINDING_TEXT = 400 };

struct finding {
	const char *group; /* "disk", "file system", ... */
	enum finding_level level;
	char name[FINDING_NAME]; /* of what was found */
	char text[FINDING_TEXT];
	char todo[FINDING_TEXT]; /* "": nothing */
};

/* A file system where repositories could be, or a server, or a folder worth saving. */
struct doctor_mount {
	char path[CONF_PATH_MAX + 1];
	uint64_t device, size, free;
	bool remote;
};

struct doctor_postgres {
	char name[CONF_NAME_MAX + 1], folder[CONF_PATH_MAX + 1];
	unsigned port;
};

struct doctor {
	const struct call *call;
	VEC(struct finding) findings;
	VEC(struct doctor_mount) mounts;
	VEC(struct doctor_postgres) postgres;
	bool images; /* disks of virtual machines lie where libvirt keeps them */
	bool failed; /* no memory */
};

void doctor_add(struct doctor *doctor, const char *group, enum finding_level level,
	const char *name, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* What to do about the finding that was added last. */
void doctor_todo(struct doctor *doctor, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The words of a small file, without the newline; "" when it cannot be read. */
void doctor_read(const char *path, char *ret_text, size_t cap);

/* Is a program of that name in a folder of PATH? */
bool doctor_has_program(const struct doctor *doctor, const char *name);

void doctor_disks(struct doctor *doctor);
void doctor_mounts(struct doctor *doctor);
void doctor_kernel(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);
void doctor_servers(struct doctor *doctor);
void doctor_machines(struct doctor *doctor);
void doctor_history(struct doctor *doctor);
void doctor_tools(struct doctor *doctor);
void doctor_ebb(struct doctor *doctor);

/* Adds a configuration for what was found, with what to do before it works. */
struct str;
void doctor_propose(const struct doctor *doctor, struct str *text);

#endif
