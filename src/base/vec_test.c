/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow, and what is left when they cannot. */
#include "base/vec.h"

#include <errno.h>

#include "base/scarce.h"
#include "base/test.h"

struct pair {
	int first;
	char second;
};

typedef VEC(struct pair) pairs;

static void done(pairs *vec)
{
	vec_done(vec);
}

TEST(elements_stay_in_order_while_the_array_grows)
{
	__attribute__((cleanup(done))) pairs vec = {0};
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(vec_push(&vec, ((struct pair){i, (char)i})), 0);
	CHECK_EQ(vec.len, 1000);
	int expected = 0;
	vec_each (pair, &vec) {
		CHECK_EQ(pair->first, expected);
		CHECK_EQ(pair->second, (char)expected);
		expected++;
	}
	CHECK_EQ(expected, 1000);
}

TEST(growth_doubles)
{
	__attribute__((cleanup(done))) pairs vec = {0};
	scarce_arm(0, false);
	for (int i = 0; i < 1 << 16; i++)
		CHECK_EQ(vec_push(&vec, ((struct pair){i, 0})), 0);
	CHECK_EQ(scarce_count(), 14); /* 8, 16 ... 65536 */
}

TEST(an_empty_array_is_walked_and_freed)
{
	pairs vec = {0};
	vec_each (pair, &vec)
		CHECK(pair == NULL);
	vec_done(&vec);
	vec_done(&vec);
	CHECK(vec.at == NULL && vec.len == 0 && vec.cap == 0);
}

TEST(reserving_makes_room_once)
{
	__attribute__((cleanup(done))) pairs vec = {0};
	CHECK_EQ(vec_reserve(&vec, 100), 0);
	CHECK(vec.cap >= 100 && vec.len == 0);
	struct pair *at = vec.at;
	for (int i = 0; i < 100; i++)
		CHECK_EQ(vec_push(&vec, ((struct pair){i, 0})), 0);
	CHECK(vec.at == at);
	CHECK_EQ(vec_reserve(&vec, 5), 0);
	CHECK(vec.at == at);
}

TEST(without_memory_the_array_is_as_it_was)
{
	__attribute__((cleanup(done))) pairs vec = {0};
	scarce_arm(1, true);
	int first = vec_push(&vec, ((struct pair){1, 1}));
	scarce_arm(0, false);
	CHECK_EQ(first, -ENOMEM);
	CHECK(vec.at == NULL && vec.len == 0 && vec.cap == 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(vec_push(&vec, ((struct pair){i, 0})), 0);
	scarce_arm(1, true);
	int later = vec_push(&vec, ((struct pair){8, 0}));
	scarce_arm(0, false);
	CHECK_EQ(later, -ENOMEM);
	CHECK_EQ(vec.len, 8);
	CHECK_EQ(vec.at[7].first, 7);
}

TEST(a_count_that_does_not_fit_is_no_memory)
{
	__attribute__((cleanup(done))) pairs vec = {0};
	CHECK_EQ(vec_reserve(&vec, SIZE_MAX), -ENOMEM);
	CHECK_EQ(vec_reserve(&vec, SIZE_MAX / sizeof(struct pair) + 1), -ENOMEM);
	CHECK(vec.at == NULL && vec.cap == 0);
}

TEST_MAIN
