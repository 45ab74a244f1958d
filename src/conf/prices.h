/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What places cost, the section `prices` of the configuration:
 *
 *     prices:
 *       s3://bucket/ebb: 0.0036/GiB-month 0.005/1000-puts
 *
 * A place is called as everywhere else, a folder by its absolute path. What a price is says whoever
 * reads them.
 *
 * Any thread.
 */
#ifndef EBB_CONF_PRICES_H
#define EBB_CONF_PRICES_H

#include <stddef.h>

#include "base/vec.h"
#include "conf/conf.h"

struct json_t;
struct str;
struct why;

enum { CONF_PRICES_MAX = 256, CONF_PRICE_MAX = 255 };

/* A plain value. */
struct conf_price {
	char place[CONF_PATH_MAX + 1];
	char price[CONF_PRICE_MAX + 1]; /* prices with blanks between them */
};

struct conf_prices {
	VEC(struct conf_price) list; /* in the order of the files */
};

/* Whether a text is what a price may be. 0 or -EINVAL. */
typedef int conf_price_fn(const char *text, struct why *why);

/*
 * Reads the section of all files; what conf_parse() tells of their syntax is not told again. 0;
 * -EINVAL with the mistakes added to `errors`; -ENOMEM.
 */
int conf_prices_read(const struct conf_file *files, size_t count, conf_price_fn *check,
	struct conf_prices *ret, struct conf_errors *errors);

/* For OWN(). */
void conf_prices_done(struct conf_prices *prices);

/* NULL: none is told of that place. Borrowed. */
const struct conf_price *conf_prices_find(const struct conf_prices *prices, const char *place);

/* Adds the section as it would be written; nothing when there is none. */
void conf_prices_show(const struct conf_prices *prices, struct str *text);

/* An object of them in JSON; NULL: no memory. */
struct json_t *conf_prices_json(const struct conf_prices *prices);

/* Adds a commented-out example. */
void conf_prices_sample(struct str *text);

#endif
