/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: shelf_read() refuses them, or gives a model that writes itself back and whose
 * forecasts are finite. The checksum is mended first, so that the fields behind it are reached. */
#include "model/shelf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_words(struct model *model)
{
	struct work *work = work_new();
	OWN(own_free) struct ahead *ahead = malloc(sizeof(*ahead));
	if (work && ahead && model_ahead(model, work, NULL, ahead))
		for (size_t h = 0; h < AHEAD_HOURS; h++) {
			must(isfinite(ahead->mix[h]));
			for (size_t q = 0; q < AHEAD_QUANTILES; q++)
				must(isfinite(ahead->quantile[h][q]));
		}
	work_free(work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	OWN(own_free) uint8_t *bytes = malloc(len ? len : 1);
	OWN(own_free) uint8_t *again = malloc(SHELF_MAX);
	OWN(own_free) struct model *model = model_new();
	if (!bytes || !again || !model)
		return 0;
	if (len)
		memcpy(bytes, data, len);
	if (len >= SHELF_HEAD) {
		put_le32(bytes + 12, (uint32_t)(len - SHELF_HEAD));
		put_le64(bytes + 16, hash64(bytes + SHELF_HEAD, len - SHELF_HEAD, 1));
	}
	if (shelf_read(bytes, len, model, NULL) == 0) {
		must(shelf_write(model, again) == len);
		check_words(model);
	}
	return 0;
}
