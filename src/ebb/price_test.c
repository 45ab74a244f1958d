/* SPDX-License-Identifier: Apache-2.0 */
/* Prices are read whole or refused. */
#include "ebb/price.h"

#include <errno.h>
#include <math.h>

#include "base/test.h"
#include "base/why.h"

#define NEAR(a, b) CHECK(fabs((a) - (b)) < 1e-9 * (b))

TEST(prices_of_each_kind_add_up)
{
	struct price price = {0};
	struct why why;
	CHECK_EQ(price_add(&price, "0.0036/GiB-month", &why), 0);
	CHECK_EQ(price_add(&price, "1/TB-month", &why), 0);
	CHECK_EQ(price_add(&price, "0.05/GiB", &why), 0);
	CHECK_EQ(price_add(&price, "0.005/1000-puts", &why), 0);
	CHECK_EQ(price_add(&price, "2/put", &why), 0);
	NEAR(price_month(&price, UINT64_C(1) << 30), 0.0036 + (double)(1 << 30) / 1e12);
	NEAR(price_once(&price, UINT64_C(2) << 30, 0), 0.1);
	NEAR(price_once(&price, 0, 1000), 2000.005);
	CHECK(price.given);
}

TEST(several_stand_with_blanks_between)
{
	struct price price = {0};
	struct why why = {""};
	CHECK_EQ(price_add_all(&price, " 1/GiB-month  0.5/put ", &why), 0);
	NEAR(price_month(&price, UINT64_C(1) << 30), 1);
	NEAR(price_once(&price, 0, 2), 1);
	CHECK_EQ(price_add_all(&price, "1/GiB-month, 0.5/put", &why), -EINVAL);
	CHECK(strstr(why.text, "'1/GiB-month,' is no price"));
}

TEST(what_is_no_price_is_refused)
{
	static const char *const texts[] = {"", "1", "/GiB", "1/", "-1/GiB", "1/GiB-year", "1/2GiB",
		"0x1/GiB", "inf/GiB", "nan/GiB", "1e9/GiB", "1/0-puts", "1/-puts", "1/-1-puts",
		"1/1000-put", "1..2/GiB", " 1/GiB", "1/GiB ", "1 /GiB", "1/month", "1/inf-puts",
		"1/1234567890123456789012345678901234567890123456789012345678901234567890-puts"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct price price = {0};
		struct why why = {""};
		CHECK_EQ(price_add(&price, texts[i], &why), -EINVAL);
		CHECK(strstr(why.text, "is no price, as 0.0036/GiB-month, 0.05/GiB"));
		CHECK(!price.given);
	}
}

TEST_MAIN
