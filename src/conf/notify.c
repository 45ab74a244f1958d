/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to tell people, and what of them cannot be together. */
#include "conf/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/why.h"
#include "conf/keys.h"
#include "conf/named.h"

#define SENDMAIL "/usr/sbin/sendmail"
#define AT(member) offsetof(struct conf_notify, member)

const char *const notice_kinds[NOTICE_KINDS + 1] = {
	[NOTICE_RPO_AT_RISK] = "rpo_at_risk",
	[NOTICE_RPO_MISSED] = "rpo_missed",
	[NOTICE_DAMAGED] = "damaged",
	[NOTICE_TIER_FULL] = "tier_full",
	[NOTICE_JOB_FAILED] = "job_failed",
};

static size_t word_length(const char *text)
{
	return strcspn(text, " ");
}

static bool is_kind(const char *word, size_t len, size_t kind)
{
	return strlen(notice_kinds[kind]) == len && memcmp(notice_kinds[kind], word, len) == 0;
}

static int check_events(const char *text, size_t *ret_at, struct why *why)
{
	for (const char *word = text; *word; word += word_length(word)) {
		size_t kind = 0;
		word += strspn(word, " ");
		if (!*word)
			break;
		while (kind < NOTICE_KINDS && !is_kind(word, word_length(word), kind))
			kind++;
		*ret_at = (size_t)(word - text);
		if (kind == NOTICE_KINDS)
			return why_set(why, -EINVAL,
				"'%.*s' is none of rpo_at_risk, rpo_missed, damaged, tier_full, "
				"job_failed",
				(int)word_length(word), word);
	}
	return 0;
}

bool conf_notify_wants(const struct conf_notify *notify, enum notice_kind kind)
{
	for (const char *word = notify->events; *word; word += word_length(word)) {
		word += strspn(word, " ");
		if (*word && is_kind(word, word_length(word), kind))
			return true;
	}
	return !*notify->events;
}

static int check_webhook(const char *text, size_t *ret_at, struct why *why)
{
	*ret_at = 0;
	if (str_starts(text, "https://") || str_starts(text, "http://"))
		return 0;
	return why_set(why, -EINVAL, "begins neither with https:// nor with http://");
}

static const struct conf_form events_form = {"words with blanks between them", check_events};
static const struct conf_form webhook_form = {"a URL of http or https", check_webhook};

enum { KEY_WEBHOOK, KEY_TOKEN, KEY_MAIL, KEY_SENDMAIL, KEY_EXEC, KEY_EVENTS, KEYS };

static const struct conf_key keys[KEYS] = {
	[KEY_WEBHOOK] = {"webhook", CONF_TEXT, AT(webhook), 1, CONF_PATH_MAX, NULL, "",
		"POST a JSON document there; this or mail or exec", &webhook_form},
	[KEY_TOKEN] = {"token_file", CONF_PATH, AT(token_file), 2, CONF_PATH_MAX, NULL, "",
		"what goes with it as Authorization: Bearer, the first line of a file"},
	[KEY_MAIL] = {"mail", CONF_TEXT, AT(mail), 1, CONF_MAIL_MAX, NULL, "",
		"write to this address, or several with commas between them"},
	[KEY_SENDMAIL] = {"sendmail", CONF_PATH, AT(sendmail), 2, CONF_PATH_MAX, NULL, "",
		"the program that takes mail; /usr/sbin/sendmail unless set"},
	[KEY_EXEC] = {"exec", CONF_PATH, AT(exec), 2, CONF_PATH_MAX, NULL, "",
		"run this program, with the JSON document as its input"},
	[KEY_EVENTS] = {"events", CONF_TEXT, AT(events), 1, CONF_EVENTS_MAX, NULL, "",
		"only these of rpo_at_risk, rpo_missed, damaged, tier_full, job_failed",
		&events_form},
};

/* Where nobody else listens on the way. */
static bool is_safe(const char *url)
{
	static const char *const hosts[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (str_starts(url, hosts[i]) && strchr(":/", url[strlen(hosts[i])]))
			return true;
	return str_starts(url, "https://");
}

static int complete(void *arg, const bool *given, struct why *why)
{
	struct conf_notify *entry = arg;
	if (given[KEY_MAIL] && !given[KEY_SENDMAIL])
		snprintf(entry->sendmail, sizeof(entry->sendmail), "%s", SENDMAIL);
	if (given[KEY_WEBHOOK] + given[KEY_MAIL] + given[KEY_EXEC] != 1)
		return why_set(why, -EINVAL, "one of webhook, mail and exec is wanted");
	if (given[KEY_TOKEN] && !given[KEY_WEBHOOK])
		return why_set(why, -EINVAL, "token_file goes with webhook only");
	if (given[KEY_SENDMAIL] && !given[KEY_MAIL])
		return why_set(why, -EINVAL, "sendmail goes with mail only");
	if (given[KEY_TOKEN] && !is_safe(entry->webhook))
		return why_set(why, -EINVAL,
			"a token may not go over the net as anybody can read it: use https://");
	return 0;
}

static const char *const example[] = {"oncall", "https://alerts.example.com/ebb",
	"/etc/ebb/alerts.token", NULL, NULL, NULL, "rpo_at_risk rpo_missed damaged"};

static const struct conf_named named = {
	.section = CONF_NOTIFY_SECTION,
	.help = "Who is told what a person should know, once when it begins and once when it ends.",
	.keys = keys,
	.count = KEYS,
	.size = sizeof(struct conf_notify),
	.max = CONF_NOTIFY_MAX,
	.complete = complete,
	.example = example,
};

static struct conf_list list_of(const struct conf_notifies *notifies)
{
	return (struct conf_list){notifies->list.at, notifies->list.len};
}

int conf_notifies_read(const struct conf_file *files, size_t count, struct conf_notifies *ret,
	struct conf_errors *errors)
{
	struct conf_list list;
	int err = conf_named_read(&named, files, count, &list, errors);
	if (err)
		return err;
	ret->list.at = list.at;
	ret->list.len = ret->list.cap = list.len;
	return 0;
}

void conf_notifies_done(struct conf_notifies *notifies)
{
	vec_done(&notifies->list);
}

void conf_notifies_show(const struct conf_notifies *notifies, struct str *text)
{
	const struct conf_list list = list_of(notifies);
	conf_named_show(&named, &list, text);
}

struct json_t *conf_notifies_json(const struct conf_notifies *notifies)
{
	const struct conf_list list = list_of(notifies);
	return conf_named_json(&named, &list);
}

void conf_notifies_sample(struct str *text)
{
	conf_named_sample(&named, text);
}
