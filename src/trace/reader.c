/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readings are copies: what is looked at twice is looked at in a copy. Numbers of different blocks
 * are estimated (Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog", 2007, with linear counting for
 * few).
 */
#include "trace/reader.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/own.h"
#include "base/why.h"

enum {
	BLOCK = 4096,
	CELLS = 1024,
	CELL_BITS = 10,
	TENTHS = 128,          /* of a second, so many beside each other; then over each other */
	BLOCKS_MAX = 1 << 15,  /* of one record that are counted */
	BLOCKS_STEP = 1 << 23, /* of one step: 32 GiB */
};

#define TENTH_NS 100000000

struct estimate {
	uint8_t cells[CELLS];
};

/* What is known of a volume. */
struct seen {
	uint64_t life; /* of the place when it was read last */
	struct trace_counts counts;
	struct estimate touched, dirty;
	uint64_t records, tenths[TENTHS];
};

struct trace_reader {
	const uint8_t *memory;
	uint64_t next; /* record to be read */
	uint64_t lost;
	uint64_t blocks; /* that this step may still count */
	int64_t told_ns; /* 0: never */
	struct seen *seen[TRACE_PLACES];
};

int trace_reader_open(
	const void *memory, size_t len, struct trace_reader **ret_reader, struct why *why)
{
	struct trace_head head;
	if (len < TRACE_BYTES)
		return why_set(why, -EBADMSG, "the trace of volumes is too short");
	memcpy(&head, memory, sizeof(head));
	if (memcmp(head.magic, TRACE_MAGIC, sizeof(head.magic)) != 0 ||
		head.version != TRACE_VERSION || head.places != TRACE_PLACES ||
		head.place_size != TRACE_PAGE || head.records != TRACE_RECORDS ||
		head.record_size != sizeof(struct trace_record))
		return why_set(why, -EBADMSG,
			"the trace of volumes is not of version %d: ebb and ebb-vold are of "
			"different versions",
			TRACE_VERSION);
	struct trace_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return why_set(why, -ENOMEM, "out of memory");
	reader->memory = memory;
	reader->next = head.ended;
	*ret_reader = reader;
	return 0;
}

void trace_reader_close(struct trace_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < TRACE_PLACES; i++)
		free(reader->seen[i]);
	free(reader);
}

/* ---- how many different ones ---- */

static void estimate_add(struct estimate *estimate, uint64_t block)
{
	uint64_t hash = hash_fold(UINT64_C(0x6c62272e07bb0142), block) * 0x9e3779b97f4a7c15u;
	size_t cell = hash >> (64 - CELL_BITS);
	uint64_t rest = hash << CELL_BITS | UINT64_C(1) << (CELL_BITS - 1);
	uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
	if (rank > estimate->cells[cell])
		estimate->cells[cell] = rank;
}

static double estimate_count(const struct estimate *estimate)
{
	double sum = 0, n = CELLS;
	unsigned empty = 0;
	for (size_t i = 0; i < CELLS; i++) {
		sum += ldexp(1, -(int)estimate->cells[i]);
		empty += estimate->cells[i] == 0;
	}
	double count = 0.7213 / (1 + 1.079 / n) * n * n / sum;
	return count <= 2.5 * n && empty ? n * log(n / empty) : count;
}

static void add_blocks(
	struct trace_reader *reader, struct estimate *estimate, const struct trace_record *record)
{
	uint64_t block = record->at / BLOCK, last = (record->at + record->len - 1) / BLOCK;
	uint64_t most = reader->blocks < BLOCKS_MAX ? reader->blocks : BLOCKS_MAX;
	for (; block <= last && most; most--, reader->blocks--)
		estimate_add(estimate, block++);
}

/* ---- records ---- */

static uint64_t ended(const struct trace_reader *reader)
{
	const struct trace_head *head = (const void *)reader->memory;
	return __atomic_load_n(&head->ended, __ATOMIC_ACQUIRE);
}

/* False: it is not there any more, or is being written. */
static bool read_record(
	const struct trace_reader *reader, uint64_t number, struct trace_record *ret)
{
	const struct trace_record *at = (const void *)(reader->memory + trace_record_at(number));
	if (__atomic_load_n(&at->number, __ATOMIC_ACQUIRE) != number + 1)
		return false;
	memcpy(ret, at, sizeof(*ret));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&at->number, __ATOMIC_RELAXED) != number + 1)
		return false;
	return ret->place < TRACE_PLACES && ret->kind < TRACE_KINDS && ret->at <= INT64_MAX;
}

static void take_in(struct trace_reader *reader, const struct trace_record *record)
{
	struct seen *seen = reader->seen[record->place];
	if (!seen || seen->life != record->life)
		return;
	seen->records++;
	uint64_t ended_ns = (uint64_t)record->begun_ns + record->took_ns;
	seen->tenths[ended_ns / TENTH_NS % TENTHS]++;
	if (!record->len || record->kind == TRACE_FLUSH)
		return;
	if (record->kind != TRACE_ZERO)
		add_blocks(reader, &seen->touched, record);
	if (record->kind != TRACE_READ)
		add_blocks(reader, &seen->dirty, record);
}

/* The first that can still be there; what lies before it is lost. */
static uint64_t first_there(struct trace_reader *reader, uint64_t end)
{
	uint64_t first = end > TRACE_RECORDS ? end - TRACE_RECORDS : 0;
	/* A count that went back is that of a liar. */
	return reader->next > end || reader->next < first ? first : reader->next;
}

void trace_reader_step(struct trace_reader *reader)
{
	uint64_t end = ended(reader), first = first_there(reader, end);
	reader->blocks = BLOCKS_STEP;
	reader->lost += reader->next <= first ? first - reader->next : 0;
	for (uint64_t number = first; number < end; number++) {
		struct trace_record record;
		if (read_record(reader, number, &record))
			take_in(reader, &record);
		else
			reader->lost++;
	}
	reader->next = end;
}

/* ---- seconds ---- */

/* False: nobody has it, or that changed meanwhile. */
static bool read_place(const struct trace_reader *reader, uint32_t number, struct trace_place *ret)
{
	const struct trace_place *at = (const void *)(reader->memory + trace_place_at(number));
	uint64_t life = __atomic_load_n(&at->life, __ATOMIC_ACQUIRE);
	if (life % 2 == 0)
		return false;
	memcpy(ret, at, sizeof(*ret));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	ret->name[TRACE_NAME - 1] = '\0';
	for (char *c = ret->name; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
	return ret->name[0] && __atomic_load_n(&at->life, __ATOMIC_RELAXED) == life &&
		ret->life == life;
}

/* Counters of an honest writer never go back. */
static bool grew(const struct trace_counts *before, const struct trace_counts *now)
{
	const uint64_t *a = (const uint64_t *)before, *b = (const uint64_t *)now;
	for (size_t i = 0; i < sizeof(*now) / sizeof(*b); i++)
		if (b[i] < a[i])
			return false;
	return true;
}

static double share(uint64_t part, uint64_t whole)
{
	double is = whole ? (double)part / (double)whole : 0;
	return is < 1 ? is : 1;
}

static void from_counts(struct trace_second *second, const struct trace_counts *before)
{
	const struct trace_counts *now = &second->total;
	for (int i = 0; i < TRACE_KINDS; i++) {
		second->operations[i] = now->operations[i] - before->operations[i];
		second->bytes[i] = now->bytes[i] - before->bytes[i];
	}
	uint64_t moves = second->operations[TRACE_READ] + second->operations[TRACE_WRITE];
	second->errors = now->errors - before->errors;
	second->read_share = share(second->operations[TRACE_READ], moves);
	second->sequential_share = share(now->sequential - before->sequential, moves);
	second->queue_depth = (double)(now->busy_ns - before->busy_ns) / 1e9 / second->seconds;
	second->p50_ns = trace_latency(before, now, 500);
	second->p99_ns = trace_latency(before, now, 990);
	second->p999_ns = trace_latency(before, now, 999);
}

static double burst(const struct seen *seen, double seconds)
{
	uint64_t most = 0;
	for (int i = 0; i < TENTHS; i++)
		most = seen->tenths[i] > most ? seen->tenths[i] : most;
	double tenths = seconds * 10 < 1 ? 1 : seconds * 10 > TENTHS ? TENTHS : seconds * 10;
	return seen->records ? (double)most * tenths / (double)seen->records : 0;
}

static void begin_again(struct seen *seen, const struct trace_place *place)
{
	memset(seen, 0, sizeof(*seen));
	seen->life = place->life;
	seen->counts = place->counts;
}

static void tell_one(struct trace_reader *reader, const struct trace_place *place,
	struct seen *seen, struct trace_second *second)
{
	memcpy(second->name, place->name, TRACE_NAME);
	second->total = place->counts;
	second->queue = place->queue;
	from_counts(second, &seen->counts);
	second->records = seen->records;
	second->lost = reader->lost;
	second->working_set_bytes = estimate_count(&seen->touched) * BLOCK;
	second->dirty_bytes = estimate_count(&seen->dirty) * BLOCK;
	second->burst = burst(seen, second->seconds);
}

void trace_reader_seconds(
	struct trace_reader *reader, int64_t now_ns, trace_second_fn *fn, void *arg)
{
	trace_reader_step(reader);
	const struct trace_head *head = (const void *)reader->memory;
	uint64_t used = __atomic_load_n(&head->places_used, __ATOMIC_RELAXED);
	double seconds = (double)(now_ns - reader->told_ns) / 1e9;
	/* Pages that nobody wrote stay away when nobody reads them. */
	for (uint32_t i = 0; i < TRACE_PLACES && i < used; i++) {
		struct trace_place place;
		struct seen *seen = reader->seen[i];
		if (!read_place(reader, i, &place)) {
			free(TAKE(reader->seen[i]));
			continue;
		}
		if (seen && seen->life == place.life && reader->told_ns && seconds > 0 &&
			grew(&seen->counts, &place.counts)) {
			struct trace_second second = {.seconds = seconds};
			tell_one(reader, &place, seen, &second);
			fn(arg, &second);
		}
		if (!seen)
			seen = reader->seen[i] = malloc(sizeof(*seen));
		if (seen)
			begin_again(seen, &place);
	}
	reader->told_ns = now_ns;
	reader->lost = 0;
}

void trace_reader_totals(const struct trace_reader *reader, trace_total_fn *fn, void *arg)
{
	const struct trace_head *head = (const void *)reader->memory;
	uint64_t used = __atomic_load_n(&head->places_used, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < TRACE_PLACES && i < used; i++) {
		struct trace_place place;
		if (!read_place(reader, i, &place))
			continue;
		struct trace_total total = {.life = place.life, .took_ns = place.counts.busy_ns};
		memcpy(total.name, place.name, TRACE_NAME);
		for (int step = 0; step < TRACE_STEPS; step++)
			total.requests += place.counts.latency[step];
		fn(arg, &total);
	}
}

void trace_reader_tail(struct trace_reader *reader, trace_record_fn *fn, void *arg)
{
	uint64_t end = ended(reader), number = end > TRACE_RECORDS ? end - TRACE_RECORDS : 0;
	struct trace_record record;
	struct trace_place place;
	bool more = true;
	for (; number < end && more; number++)
		if (read_record(reader, number, &record))
			more = fn(arg, &record,
				read_place(reader, record.place, &place) &&
						place.life == record.life
					? place.name
					: "?");
}
