/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site: what stands at which path, who may ask for it, and what it answers. It knows no
 * connection; docs/openapi.json describes it to others.
 *
 * The loop's thread only.
 */
#ifndef EBB_WEB_SITE_H
#define EBB_WEB_SITE_H

#include <stddef.h>

#include "web/answer.h"
#include "web/gate.h"
#include "web/request.h"

struct folder;
struct node;

struct site {
	struct node *node;   /* borrowed, as all here */
	const char *version; /* of the program */
	struct folder *page; /* NULL: the page is the one built in */
};

typedef void site_fn(
	const struct site *site, const struct request *request, struct answer *ret_answer);

struct route {
	unsigned methods;   /* of enum request_method; HEAD goes with GET */
	const char *path;   /* "/api/v1/jobs/{id}": a part in braces is any */
	enum role role;     /* the least that is needed; ROLE_NONE: nobody is asked who he is */
	const char *params; /* that it knows, blanks between */
	site_fn *answer;
};

/* NULL at the end of their paths. */
extern const struct route site_routes[];

/* Who is told that there is nothing. */
extern const struct route site_nothing;

/*
 * 0, or the status of a refusal: 404, 405 with what would be allowed in ret_allow (of static
 * memory).
 */
int site_find(
	const struct request *request, const struct route **ret_route, const char **ret_allow);

/* Answers a request that the route takes. A parameter that it does not know is a 400. */
void site_answer(const struct site *site, const struct route *route, const struct request *request,
	struct answer *ret_answer);

#endif
