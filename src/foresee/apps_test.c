/* SPDX-License-Identifier: Apache-2.0 */
/* Which series belong to which application. */
#include "foresee/apps.h"

#include "base/own.h"
#include "base/test.h"

TEST(series_belong_to_the_first_application_that_names_them)
{
	OWN(apps_done) struct apps apps = {0};
	const struct app shop = {.series = "unit/shop*.service main", .type = APP_DATABASE};
	const struct app night = {.series = " *{device=\"vda\"} unit/* ", .type = APP_BATCH};
	CHECK_EQ(vec_push(&apps.list, shop), 0);
	CHECK_EQ(vec_push(&apps.list, night), 0);
	CHECK(apps_of(&apps, "ebb_program_cpu_seconds_total{program=\"unit/shop-a.service\"}") ==
		&apps.list.at[0]);
	CHECK(apps_of(&apps, "ebb_postgres_commits_total{database=\"x\",server=\"main\"}") ==
		&apps.list.at[0]);
	CHECK(apps_of(&apps, "ebb_program_cpu_seconds_total{program=\"unit/other.service\"}") ==
		&apps.list.at[1]);
	CHECK(apps_of(&apps, "ebb_disk_reads_total{device=\"vda\"}") == &apps.list.at[1]);
	CHECK(!apps_of(&apps, "ebb_disk_reads_total{device=\"vdb\"}"));
	CHECK(!apps_of(&apps, "no name{"));
	CHECK(!apps_of(NULL, "ebb_host_cpus"));
}

TEST(a_batch_is_wild_whatever_it_is_measured_in)
{
	const struct app night = {.type = APP_BATCH}, shop = {.type = APP_DATABASE};
	CHECK_EQ(apps_prior(NULL, "ebb_host_cpu_seconds_total"), PRIOR_STEADY);
	CHECK_EQ(apps_prior(&shop, "ebb_host_cpu_seconds_total"), PRIOR_STEADY);
	CHECK_EQ(apps_prior(&night, "ebb_host_cpu_seconds_total"), PRIOR_WILD);
}

TEST_MAIN
