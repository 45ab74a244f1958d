/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what. A role comes from how one is connected and what one shows:
 *
 *     Unix socket   root and the user of ebbd: admin; others, whom its file lets in: viewer
 *     loopback      what the configuration says of it; with the token: admin
 *     elsewhere     with the token: admin; without: nothing
 *
 * A browser is somebody's hand: a page of a stranger can make it send requests. So on TCP the Host
 * has to be a name by which this server is known (a stranger's name that suddenly resolves to
 * 127.0.0.1 is none), and where the browser says from which page a request comes (Origin,
 * Sec-Fetch-Site), that page has to be ours. Only a link may be followed from anywhere.
 *
 * Any thread. Pure.
 */
#ifndef EBB_WEB_GATE_H
#define EBB_WEB_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_ADMIN };

enum door { DOOR_UNIX, DOOR_LOOPBACK, DOOR_OPEN, DOORS };

enum { GATE_TOKEN_MIN = 16, GATE_TOKEN_MAX = 512, GATE_DIGEST = 32 };

struct gate {
	uint32_t uid;       /* of ebbd */
	enum role loopback; /* of those without a token */
	bool has_token;
	uint8_t token[GATE_DIGEST]; /* SHA-256 of it */
	const char *address;        /* the host that is listened on, with brackets; "" none */
	const char *hosts;          /* other names, blanks between */
};

/* The secret in a file: its first line, without blanks around. 0 or -EINVAL. */
int gate_token(struct gate *gate, const char *text, size_t len, struct why *why);

/* What is known of who asks. Headers are NULL where there was none. */
struct visitor {
	enum door door;
	uint32_t uid; /* of DOOR_UNIX */
	size_t host_count;
	const char *host, *origin, *fetch_site, *fetch_mode, *authorization;
};

/*
 * 0 with the role; else the status of the refusal, with a sentence: 400, 401, 403. A wrong token is
 * 401 wherever it is shown.
 */
int gate_judge(const struct gate *gate, const struct visitor *visitor, enum role *ret_role,
	struct why *why);

#endif
