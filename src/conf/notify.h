/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `notify`: whom to tell, and by which way, of what a person should know.
 *
 * Any thread.
 */
#ifndef EBB_CONF_NOTIFY_H
#define EBB_CONF_NOTIFY_H

#include <stdbool.h>

#include "base/vec.h"
#include "conf/conf.h"

struct json_t;
struct str;

enum { CONF_NOTIFY_MAX = 16, CONF_MAIL_MAX = 254, CONF_EVENTS_MAX = 127 };

#define CONF_NOTIFY_SECTION "notify"

/* What is told. It begins to be so, and ends to be so. */
enum notice_kind {
	NOTICE_RPO_AT_RISK, /* a point will be too old, as it looks */
	NOTICE_RPO_MISSED,  /* it is */
	NOTICE_DAMAGED,     /* what was stored does not read back as it was */
	NOTICE_TIER_FULL,   /* where points are kept there is soon no room */
	NOTICE_JOB_FAILED,
	NOTICE_KINDS
};

/* "rpo_at_risk" and so on; NULL at the end. */
extern const char *const notice_kinds[NOTICE_KINDS + 1];

/* A plain value. One of webhook, mail and exec is set. */
struct conf_notify {
	char name[CONF_NAME_MAX + 1];
	char webhook[CONF_PATH_MAX + 1];
	char token_file[CONF_PATH_MAX + 1];
	char mail[CONF_MAIL_MAX + 1];
	char sendmail[CONF_PATH_MAX + 1];
	char exec[CONF_PATH_MAX + 1];
	char events[CONF_EVENTS_MAX + 1]; /* words of notice_kinds; "": all */
};

struct conf_notifies {
	VEC(struct conf_notify) list; /* in the order of the files */
};

bool conf_notify_wants(const struct conf_notify *notify, enum notice_kind kind);

/* As conf_protects_read() and its like. */
int conf_notifies_read(const struct conf_file *files, size_t count, struct conf_notifies *ret,
	struct conf_errors *errors);
void conf_notifies_done(struct conf_notifies *notifies);
void conf_notifies_show(const struct conf_notifies *notifies, struct str *text);
struct json_t *conf_notifies_json(const struct conf_notifies *notifies);
void conf_notifies_sample(struct str *text);

#endif
