/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shards, their checksums, and rebuilding them.
 *
 * Layout: k data shards (header and body, the last one short), m parity shards, two parity tables,
 * two end marks. The marks are found from the end; both copies of table and mark are tried.
 */
#include "chunk/parity.h"

#include <errno.h>
#include <isa-l/erasure_code.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"

enum { MARK = 64, DATA_SHARDS_MAX = 240, SHARDS_MAX = 255, SHARD_UNIT = 64, SHARD_WANTED = 4096 };

static const char magic[8] = "EBBPAR\r\n";

struct shape {
	size_t len;   /* header and body */
	size_t shard; /* length of a shard */
	unsigned k, m;
};

static struct shape shape_of(size_t len, unsigned percent)
{
	struct shape shape = {.len = len};
	size_t k = (len + SHARD_WANTED - 1) / SHARD_WANTED;
	shape.k = (unsigned)(k < DATA_SHARDS_MAX ? k : DATA_SHARDS_MAX);
	shape.shard = (len + shape.k - 1) / shape.k;
	shape.shard = (shape.shard + SHARD_UNIT - 1) / SHARD_UNIT * SHARD_UNIT;
	shape.m = (shape.k * percent + 99) / 100;
	if (shape.m < 1)
		shape.m = 1;
	if (shape.m > SHARDS_MAX - shape.k)
		shape.m = SHARDS_MAX - shape.k;
	return shape;
}

static size_t table_size(const struct shape *shape)
{
	return (shape->k + shape->m) * 8u;
}

size_t parity_size(size_t len, unsigned percent)
{
	struct shape shape = shape_of(len, percent);
	return shape.m * shape.shard + 2 * table_size(&shape) + 2 * MARK;
}

static uint64_t shard_sum(
	const uint8_t *shard, size_t len, unsigned number, const struct object_id *id)
{
	return hash64(shard, len, get_le64(id->b) + number);
}

/*
 * Pointers to the k + m shards of an object. The last data shards may run past the body: those get
 * zero-filled copies in `tail`, which holds as many shards as do.
 */
static void lay_shards(
	const struct shape *shape, uint8_t *bytes, uint8_t *tail, uint8_t *shards[SHARDS_MAX])
{
	for (unsigned i = 0; i < shape->k; i++) {
		size_t at = i * shape->shard;
		size_t have = at < shape->len ? shape->len - at : 0;
		shards[i] = bytes + at;
		if (have >= shape->shard)
			continue;
		memset(tail, 0, shape->shard);
		if (have)
			memcpy(tail, bytes + at, have);
		shards[i] = tail;
		tail += shape->shard;
	}
	for (unsigned i = 0; i < shape->m; i++)
		shards[shape->k + i] = bytes + shape->len + i * shape->shard;
}

/* How many data shards are not wholly inside the body. */
static size_t tail_shards(const struct shape *shape)
{
	return shape->k - shape->len / shape->shard;
}

static void put_mark(uint8_t *mark, const struct shape *shape, const struct object_id *id)
{
	memset(mark, 0, MARK);
	memcpy(mark, magic, sizeof(magic));
	put_le16(mark + 8, 1);
	put_le16(mark + 10, (uint16_t)shape->k);
	put_le16(mark + 12, (uint16_t)shape->m);
	put_le64(mark + 16, shape->shard);
	put_le64(mark + 24, shape->len);
	memcpy(mark + 32, id->b, sizeof(id->b));
	put_le64(mark + 56, hash64(mark, 56, 0));
}

/* Whether `mark` is whole, of this object, and tells a shape that fills `len` bytes. */
static bool get_mark(
	const uint8_t *mark, size_t len, const struct object_id *id, struct shape *ret_shape)
{
	if (memcmp(mark, magic, sizeof(magic)) != 0 || get_le64(mark + 56) != hash64(mark, 56, 0))
		return false;
	struct shape shape = {
		.k = get_le16(mark + 10),
		.m = get_le16(mark + 12),
		.shard = get_le64(mark + 16),
		.len = get_le64(mark + 24),
	};
	size_t parity;
	if (get_le16(mark + 8) != 1 || memcmp(mark + 32, id->b, sizeof(id->b)) != 0)
		return false;
	if (!shape.k || shape.k > DATA_SHARDS_MAX || !shape.m || shape.k + shape.m > SHARDS_MAX)
		return false;
	if (!shape.shard || shape.shard > OBJECT_MAX || shape.len > shape.k * shape.shard)
		return false;
	/* Shards in thought take memory: no writer leaves more of them than rounding does. */
	if (shape.k * shape.shard - shape.len >= shape.k * (size_t)SHARD_UNIT &&
		!planted(PARITY_LENGTH_BELIEVED))
		return false;
	if (!mul_fits(shape.shard, shape.m, &parity) ||
		shape.len + parity + 2 * table_size(&shape) + 2 * MARK != len)
		return false;
	*ret_shape = shape;
	return true;
}

/* The Cauchy matrix, and its tables for computing the m parity rows. */
static void make_matrix(const struct shape *shape, uint8_t *matrix)
{
	gf_gen_cauchy1_matrix(matrix, (int)(shape->k + shape->m), (int)shape->k);
}

/* Computes everything behind header and body: parity shards, tables, marks. */
static int encode(const struct shape *shape, uint8_t *bytes, const struct object_id *id)
{
	uint8_t *shards[SHARDS_MAX];
	OWN(own_free) uint8_t *tail = malloc((tail_shards(shape) + 1) * shape->shard);
	OWN(own_free) uint8_t *matrix = malloc((size_t)(shape->k + shape->m) * shape->k);
	OWN(own_free) uint8_t *tables = malloc(32u * shape->k * shape->m);
	if (!tail || !matrix || !tables)
		return -ENOMEM;
	lay_shards(shape, bytes, tail, shards);
	make_matrix(shape, matrix);
	ec_init_tables((int)shape->k, (int)shape->m, matrix + (size_t)shape->k * shape->k, tables);
	ec_encode_data(
		(int)shape->shard, (int)shape->k, (int)shape->m, tables, shards, shards + shape->k);
	uint8_t *table = bytes + shape->len + shape->m * shape->shard;
	for (unsigned i = 0; i < shape->k + shape->m; i++)
		put_le64(table + i * 8u, shard_sum(shards[i], shape->shard, i, id));
	memcpy(table + table_size(shape), table, table_size(shape));
	uint8_t *mark = table + 2 * table_size(shape);
	put_mark(mark, shape, id);
	memcpy(mark + MARK, mark, MARK);
	return 0;
}

int parity_add(uint8_t *bytes, size_t len, unsigned percent, const struct object_id *id)
{
	must(len >= OBJECT_HEADER && len <= OBJECT_MAX && percent <= PARITY_PERCENT_MAX);
	struct shape shape = shape_of(len, percent);
	return encode(&shape, bytes, id);
}

/*
 * Rebuilds the data shards named in `lost` from k whole ones: inverts the rows that are left and
 * multiplies. Parity shards are computed again afterwards by the caller.
 */
static int rebuild(const struct shape *shape, uint8_t *shards[SHARDS_MAX], const bool *bad,
	uint8_t *const *to, unsigned lost)
{
	unsigned k = shape->k, row = 0, out = 0;
	uint8_t *sources[SHARDS_MAX], *targets[SHARDS_MAX];
	OWN(own_free) uint8_t *matrix = malloc((size_t)(k + shape->m) * k);
	OWN(own_free) uint8_t *left = malloc((size_t)k * k);
	OWN(own_free) uint8_t *inverse = malloc((size_t)k * k);
	OWN(own_free) uint8_t *rows = malloc((size_t)lost * k);
	OWN(own_free) uint8_t *tables = malloc(32u * k * lost);
	if (!matrix || !left || !inverse || !rows || !tables)
		return -ENOMEM;
	make_matrix(shape, matrix);
	for (unsigned i = 0; i < k + shape->m && row < k; i++) {
		if (bad[i])
			continue;
		memcpy(left + (size_t)row * k, matrix + (size_t)i * k, k);
		sources[row++] = shards[i];
	}
	if (row < k || gf_invert_matrix(left, inverse, (int)k) != 0)
		return -EBADMSG;
	for (unsigned i = 0; i < k; i++) {
		if (!bad[i])
			continue;
		memcpy(rows + (size_t)out * k, inverse + (size_t)i * k, k);
		targets[out] = to[out];
		out++;
	}
	ec_init_tables((int)k, (int)lost, rows, tables);
	ec_encode_data((int)shape->shard, (int)k, (int)lost, tables, sources, targets);
	return 0;
}

/* Marks each shard whose checksum stands in neither table. Returns how many are data shards. */
static unsigned find_damage(const struct shape *shape, uint8_t *const shards[SHARDS_MAX],
	const uint8_t *table, const struct object_id *id, bool bad[SHARDS_MAX], unsigned *ret_all)
{
	unsigned data = 0, all = 0;
	const uint8_t *second = table + table_size(shape);
	for (unsigned i = 0; i < shape->k + shape->m; i++) {
		uint64_t sum = shard_sum(shards[i], shape->shard, i, id);
		bad[i] = sum != get_le64(table + i * 8u) && sum != get_le64(second + i * 8u);
		all += bad[i];
		data += bad[i] && i < shape->k;
	}
	*ret_all = all;
	return data;
}

/* Puts the rebuilt data shards into the object, the last one only as far as the body goes. */
static void place_rebuilt(
	const struct shape *shape, uint8_t *bytes, const bool *bad, uint8_t *const *from)
{
	for (unsigned i = 0, n = 0; i < shape->k; i++) {
		if (!bad[i])
			continue;
		size_t at = i * shape->shard;
		size_t room = at < shape->len ? shape->len - at : 0;
		if (room)
			memcpy(bytes + at, from[n], room < shape->shard ? room : shape->shard);
		n++;
	}
}

int parity_whose(const uint8_t *bytes, size_t len, struct object_id *ret_id)
{
	for (size_t copy = 2; copy >= 1 && len >= copy * MARK; copy--) {
		struct object_id id;
		struct shape shape;
		memcpy(id.b, bytes + len - copy * MARK + 32, sizeof(id.b));
		if (get_mark(bytes + len - copy * MARK, len, &id, &shape)) {
			*ret_id = id;
			return 0;
		}
	}
	return -EBADMSG;
}

/* The shape by either end mark; whether the pairs of marks and tables agree. */
static int find_shape(const uint8_t *bytes, size_t len, const struct object_id *id,
	struct shape *ret_shape, bool *ret_damaged, struct why *why)
{
	if (len < OBJECT_HEADER + 2 * MARK)
		return why_set(why, -EBADMSG, "%zu bytes are too few for an object", len);
	const uint8_t *mark = bytes + len - 2 * MARK;
	if (!get_mark(mark, len, id, ret_shape) && !get_mark(mark + MARK, len, id, ret_shape))
		return why_set(why, -EBADMSG, "the end of the object is cut off or damaged");
	size_t size = table_size(ret_shape);
	const uint8_t *table = mark - 2 * size;
	*ret_damaged = memcmp(mark, mark + MARK, MARK) != 0 ||
		memcmp(table, table + size, size) != 0;
	return 0;
}

/* Rebuilds `lost` data shards and puts them where they belong. */
static int mend(const struct shape *shape, uint8_t *bytes, uint8_t *shards[SHARDS_MAX],
	const bool *bad, unsigned lost)
{
	uint8_t *rebuilt[SHARDS_MAX];
	OWN(own_free) uint8_t *fresh = malloc(lost * shape->shard);
	if (!fresh)
		return -ENOMEM;
	for (unsigned i = 0; i < lost; i++)
		rebuilt[i] = fresh + i * shape->shard;
	int err = rebuild(shape, shards, bad, rebuilt, lost);
	if (!err)
		place_rebuilt(shape, bytes, bad, rebuilt);
	return err;
}

int parity_repair(uint8_t *bytes, size_t len, const struct object_id *id,
	struct parity_report *ret_report, struct why *why)
{
	struct shape shape;
	struct parity_report report = {0};
	uint8_t *shards[SHARDS_MAX];
	bool bad[SHARDS_MAX];
	int err = find_shape(bytes, len, id, &shape, &report.marks_damaged, why);
	if (err)
		return err;
	report.length = shape.len;
	report.shards = shape.k + shape.m;
	OWN(own_free) uint8_t *tail = malloc((tail_shards(&shape) + 1) * shape.shard);
	if (!tail)
		return -ENOMEM;
	lay_shards(&shape, bytes, tail, shards);
	unsigned lost = find_damage(&shape, shards, bytes + shape.len + shape.m * shape.shard, id,
		bad, &report.damaged);
	if (report.damaged > shape.m)
		return why_set(why, -EBADMSG, "%u of %u parts are damaged, and parity mends %u",
			report.damaged, report.shards, shape.m);
	if (lost)
		err = mend(&shape, bytes, shards, bad, lost);
	/* Parity, tables and marks are computed anew: the object is as it was written. */
	if (!err && (report.damaged || report.marks_damaged))
		err = encode(&shape, bytes, id);
	if (err)
		return why_set(why, err, "the damaged parts could not be rebuilt");
	*ret_report = report;
	return 0;
}
