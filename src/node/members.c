/* SPDX-License-Identifier: Apache-2.0 */
/* Moments and prices. */
#include "node/members.h"

#include <jansson.h>
#include <math.h>

#include "base/units.h"

const char member_nothing[] = "nothing of that name is protected: `ebb status` lists what is";

json_t *member_time(int64_t at_s)
{
	char text[UNITS_TEXT];
	return at_s ? json_string(units_show_time(at_s * NS_PER_SEC, text)) : json_null();
}

json_t *member_price(double price)
{
	if (price < 0)
		return json_null();
	return isinf(price) ? json_string("any") : json_real(price);
}
