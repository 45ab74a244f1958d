/* SPDX-License-Identifier: Apache-2.0 */
/* From a member back to its struct. */
#include "base/container.h"

#include "base/test.h"

struct owner {
	char before[13];
	double member;
	char after;
};

TEST(a_member_finds_its_owner)
{
	struct owner owners[3];
	for (int i = 0; i < 3; i++)
		CHECK(container_of(&owners[i].member, struct owner, member) == &owners[i]);
	CHECK(container_of(&owners[1].before, struct owner, before) == &owners[1]);
}

TEST_MAIN
