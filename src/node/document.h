/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node answers to questions, as documents. The verbs of its control socket and the paths of
 * its HTTP API (web/) are made here, by the same functions: no two of them can tell different
 * stories.
 *
 * Durations are seconds, sizes bytes, rates bytes a second, shares 0..1, moments RFC 3339 in UTC.
 *
 * The loop's thread only.
 */
#ifndef EBB_NODE_DOCUMENT_H
#define EBB_NODE_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

struct json_t;
struct node;
struct why;

enum { NODE_JOBS_AT_ONCE = 100 };

/* What is asked. Members that a question does not know are left 0. */
struct node_ask {
	const char *name;  /* of a resource, a job or a series; NULL: all of them */
	int64_t from;      /* metrics: the number of the first series */
	int64_t below;     /* jobs: numbers below this; 0: any */
	int64_t horizon_s; /* how far ahead */
	int64_t rpo_s;     /* what if points had to be as young as this? */
	size_t limit;      /* jobs: at most so many; 0: NODE_JOBS_AT_ONCE, which are the most */
};

/*
 * Gives a document. 0; -EINVAL: it cannot be asked so; -ENOENT: there is no such thing; -ENOMEM.
 * Each error has its sentence.
 */
typedef int node_document_fn(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);

/* What runs here, and how the host is doing. */
int node_status(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* The newest value of every series; `next`: go on from there. */
int node_metrics(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* What is protected, a sentence for each; or all about one. */
int node_resources(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* Newest first. */
int node_jobs(struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* One of them, by its number. */
int node_job(struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* What is wanted, or was at a job's begin, and why. */
int node_why(struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* Makes a point of it now, whatever that costs. */
int node_now(struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* Ends the job of it that runs. */
int node_cancel(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);

/* No job of it runs until it is resumed; its jobs run again. */
int node_pause(struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
int node_resume(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* How load went on and may go on, and when jobs were, are and are to be: of a resource. */
int node_outlook(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* What would be planned of it if its points had to be younger, or might be older. */
int node_what_if(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* All that is measured, by name; and what comes of one of them, by the hour. */
int node_series(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
int node_forecast(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* Moments that can be had back, as the jobs tell that made them; and where they lie. */
int node_points(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
int node_tiers(struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);
/* What ebb-vold serves, as far as it was measured. */
int node_volumes(
	struct node *node, const struct node_ask *ask, struct json_t **ret, struct why *why);

/* Turns go on, and what is told can be kept: 0, or why it is not so. */
int node_is_ready(const struct node *node, struct why *why);

#endif
