/* SPDX-License-Identifier: Apache-2.0 */
/* A model comes back from the shelf as it was; damage and strangers are refused by name. */
#include "model/shelf.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "num/wave_test.h"

static const int64_t midnight = INT64_C(20000) * 86400;

static struct model *lived(uint64_t seed, struct work *work, struct ahead *ahead)
{
	struct rng rng;
	rng_seed(&rng, seed);
	struct model *model = model_new();
	for (int64_t hour = 0; model && hour < 30 * 24; hour++) {
		if (hour % 24 == 0)
			model_refit(model, work, NULL, ahead);
		model_add(model, midnight + hour * 3600, wave_at(&rng, (size_t)hour, 3));
		history_reach(&model->history, midnight + hour * 3600 + 3600);
	}
	return model;
}

TEST(what_comes_back_says_the_same)
{
	struct work *work = work_new();
	struct ahead *before = malloc(sizeof(*before)), *after = malloc(sizeof(*after));
	OWN(own_free) uint8_t *bytes = malloc(SHELF_MAX);
	struct model *model = lived(test_seed(), work, before), *back = model_new();
	CHECK(work && before && after && bytes && model && back);
	size_t len = shelf_write(model, bytes);
	test_note("%zu bytes", len);
	CHECK_EQ(shelf_read(bytes, len, back, NULL), 0);
	CHECK(model_ahead(model, work, NULL, before) && model_ahead(back, work, NULL, after));
	CHECK_EQ(memcmp(before->mix, after->mix, sizeof(before->mix)), 0);
	CHECK_EQ(memcmp(before->quantile, after->quantile, sizeof(before->quantile)), 0);
	model_free(model);
	model_free(back);
	work_free(work);
	free(before);
	free(after);
}

TEST(damage_and_strangers_are_refused_by_name)
{
	OWN(own_free) uint8_t *bytes = malloc(SHELF_MAX);
	OWN(own_free) struct model *model = model_new();
	CHECK(bytes && model);
	size_t len = shelf_write(model, bytes);
	struct why why;
	CHECK_EQ(shelf_read(bytes, 10, model, &why), -EINVAL);
	CHECK_STR(why.text, "not a model: it does not begin with \"ebbmodel\"");
	CHECK_EQ(shelf_read(bytes, len - 1, model, &why), -EINVAL);
	CHECK(strstr(why.text, "it was cut or grew"));
	for (size_t i = SHELF_HEAD; i < len; i += 97) {
		bytes[i] ^= 4;
		CHECK_EQ(shelf_read(bytes, len, model, &why), -EINVAL);
		CHECK_STR(why.text, "a damaged model: its checksum is wrong");
		bytes[i] ^= 4;
	}
	put_le32(bytes + 8, 2);
	CHECK_EQ(shelf_read(bytes, len, model, &why), -EPROTO);
	CHECK_STR(why.text, "a model of version 2: this program reads up to 1");
}

TEST_MAIN
