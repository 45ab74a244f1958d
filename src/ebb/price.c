/* SPDX-License-Identifier: Apache-2.0 */
/* "0.005/1000-puts" to the price of one. */
#include "ebb/price.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "ebb/keep.h"

static int wrong(const char *text, struct why *why)
{
	return why_set(why, -EINVAL,
		"'%.40s' is no price, as 0.0036/GiB-month, 0.05/GiB and 0.005/1000-puts are", text);
}

/* What stands before `end` of the text, as text of its own. False: it is not so, or too long. */
static bool cut(const char *text, const char *end, char ret_cut[UNITS_TEXT])
{
	size_t len = strlen(text), end_len = strlen(end);
	if (len < end_len || len - end_len >= UNITS_TEXT || strcmp(text + len - end_len, end) != 0)
		return false;
	snprintf(ret_cut, UNITS_TEXT, "%.*s", (int)(len - end_len), text);
	return true;
}

static bool read_puts(const char *unit, double *ret_count)
{
	char count[UNITS_TEXT], *end;
	if (strcmp(unit, "put") == 0) {
		*ret_count = 1;
		return true;
	}
	if (!cut(unit, "-puts", count) || *count < '1' || *count > '9')
		return false;
	*ret_count = strtod(count, &end);
	return !*end && *ret_count <= 1e12;
}

/* "GiB" is one of them. */
static bool read_bytes(const char *unit, double *ret_bytes)
{
	char one[UNITS_TEXT];
	uint64_t bytes;
	struct why why;
	/* A number within it would be one with the 1. */
	if (strlen(unit) + 2 > UNITS_TEXT || (*unit >= '0' && *unit <= '9'))
		return false;
	snprintf(one, sizeof(one), "1%s", unit);
	if (units_size(one, &bytes, &why))
		return false;
	*ret_bytes = (double)bytes;
	return true;
}

int price_add(struct price *price, const char *text, struct why *why)
{
	char *slash, unit[UNITS_TEXT];
	double per, number = strtod(text, &slash);
	/* No sign, no hexadecimals and no word for infinity. */
	if (*text < '0' || *text > '9' || strspn(text, "0123456789.") != (size_t)(slash - text) ||
		*slash != '/' || !isfinite(number) || number > 1e12)
		return wrong(text, why);
	if (cut(slash + 1, "-month", unit) && read_bytes(unit, &per))
		price->byte_month += number / per;
	else if (read_puts(slash + 1, &per))
		price->put += number / per;
	else if (read_bytes(slash + 1, &per))
		price->byte += number / per;
	else
		return wrong(text, why);
	price->given = true;
	return 0;
}

int price_add_all(struct price *price, const char *texts, struct why *why)
{
	char one[CONF_PRICE_MAX + 1];
	int err = 0;
	for (const char *at = texts; !err && *(at += strspn(at, " ")); at += strcspn(at, " ")) {
		size_t len = strcspn(at, " ");
		if (len >= sizeof(one))
			return wrong(at, why);
		snprintf(one, sizeof(one), "%.*s", (int)len, at);
		err = price_add(price, one, why);
	}
	return err;
}

/* What it cannot say does not keep anybody from an estimate. */
static int read_settings(const struct call *call, const char *place, struct price *price)
{
	OWN(config_done) struct config config = {0};
	struct config_source source;
	struct why why;
	char absolute[KEEP_PATH];
	int code = config_choose(call, &source);
	if (code)
		return code;
	if (config_read(&source, &config))
		return EXIT_OK;
	if (!strstr(place, "://") && keep_absolute(call, place, absolute))
		place = absolute;
	const struct conf_price *found = conf_prices_find(&config.prices, place);
	if (found)
		price_add_all(price, found->price, &why);
	return EXIT_OK;
}

int price_read(const struct call *call, struct price *ret_price)
{
	const char *given;
	struct why why;
	*ret_price = (struct price){0};
	for (size_t at = 0; (given = args_next(&call->args, OPTION_PRICE, &at));)
		if (price_add(ret_price, given, &why))
			return call_fail(EXIT_USAGE, "--price: %s", why.text);
	if (ret_price->given && !args_given(&call->args, OPTION_DRY_RUN))
		return call_fail(EXIT_USAGE, "--price goes with --dry-run, which tells the cost");
	return EXIT_OK;
}

int price_of(const struct call *call, const char *place, struct price *ret_price)
{
	int code = price_read(call, ret_price);
	return code || ret_price->given ? code : read_settings(call, place, ret_price);
}

double price_once(const struct price *price, uint64_t bytes, uint64_t objects)
{
	return price->byte * (double)bytes + price->put * (double)objects;
}

double price_month(const struct price *price, uint64_t bytes)
{
	return price->byte_month * (double)bytes;
}
