/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: the open repository, and objects as they go to and come from
 * the place. For this room only.
 *
 * One thread for each struct.
 */
#ifndef EBB_REPO_INNER_H
#define EBB_REPO_INNER_H

#include "chunk/codec.h"
#include "chunk/memory.h"
#include "chunk/pack.h"
#include "chunk/seal.h"
#include "repo/client.h"
#include "repo/index_disk.h"
#include "repo/repo.h"
#include "repo/slot.h"

/* With parity, tables and marks an object is at most this long. */
enum { OBJECT_WHOLE_MAX = OBJECT_MAX / 2 * 3 };

enum { OPENERS = 8 };

/* What `repo` tells readers that do not know its format. */
enum { REPO_NEEDS = 32 };
#define REPO_NEEDS_THIS "ebb 0.1"

enum { PACK_SIZE_MIN = 1 << 20, PACK_SIZE_MAX = 128 << 20 };

/* Openers of the packs that were read last: a restore reads many chunks of few packs. */
struct opener_slot {
	struct opener *opener;
	uint32_t pack;
};

enum { STREAM_DATA, STREAM_META, STREAMS };

/* The open pack of a stream, and the names of the chunks in it. */
struct packing {
	struct pack_writer *writer;
	struct index waiting;
};

struct flight;    /* a pack on its way to the place: packing.c */
struct twins;     /* other repositories that get the same: twin.c */
struct squeezing; /* chunks on their way through the crew: squeeze.c */

struct client; /* what a key that may only write remembers: client.c */

struct blob_note {
	struct digest digest;
	enum chunk_kind kind;
};

typedef VEC(struct head_index) head_indexes_t;

static inline void head_indexes_done(head_indexes_t *indexes)
{
	vec_done(indexes);
}

struct repo {
	struct repo_world world;
	struct object_id id;
	unsigned parity_percent;
	uint32_t pack_size;
	struct slot_opened own; /* the key with which it was opened */
	struct key_ring *ring;  /* own.ring */
	struct object_id slot;  /* where own lies now */
	uint8_t slot_sum[32];   /* SHA-256 of its header and body */
	uint8_t repo_sum[32];   /* the same of `repo` */
	struct seal_with with;
	struct digester *digester;
	struct codec *codec;
	int level; /* of compression */
	struct head head;
	uint8_t head_sum[32];         /* SHA-256 of the newest head's header and body */
	struct index index;           /* what is in packs at the place */
	struct index_disk disk;       /* of `index`, unless it stays in memory */
	uint32_t indexed;             /* packs of `index` that the head's index objects tell of */
	uint32_t told;                /* those, and of which `early` tell */
	head_indexes_t early;         /* index objects that no head names yet */
	VEC(struct object_id) unread; /* indexes that could not be read: world.without_index */
	uint64_t base;                /* generation of the head by which `index` was read */
	bool adopted;                 /* repo_adopt() or repo_take_up() was done */
	struct packing packing[STREAMS];
	struct pack_memory pack_memory;
	struct flight *flights;
	unsigned flights_out;
	int packs_failed;     /* a pack did not come to the place: none after it counts */
	uint64_t place_waits; /* how often all flights were out when one more was wanted */
	struct squeezing *squeezing;
	int64_t lock_until_ns; /* of what is committed, wall time; 0: no locks */
	gc_walk_fn *lock_walk;
	struct twins *twins;                      /* that get what we get; NULL: none */
	const struct repo *peers[HEAD_TWINS_MAX]; /* whose generations our heads tell */
	size_t peer_count;
	struct client *client; /* NULL: a key that reads */
	struct client_notes notes;
	uint8_t last_sum[32];  /* SHA-256 of header and body of the object stored last */
	uint8_t point_sum[32]; /* of the body of the point that is being committed, as in heads */
	struct repo_written written;
	struct index elsewhere; /* other places of chunks of damaged packs: elsewhere.c */
	VEC(uint32_t) sought;   /* those packs */
	struct opener_slot openers[OPENERS];
	size_t next_opener;
	uint64_t mended;
};

/*
 * The object of that name: mended by its parity where needed, its header checked. Gives header and
 * body. *ret_mended tells whether it had been damaged.
 */
int object_fetch(struct place *place, const struct object_header *want, uint8_t **ret_bytes,
	size_t *ret_len, bool *ret_mended, struct why *why);

/* Adds parity to header and body and puts them. Returns what was written by ret_written. */
int object_store(struct place *place, const struct object_header *header, const uint8_t *bytes,
	unsigned parity_percent, uint64_t *ret_written, struct why *why);

/* Reads the newest head into the repository. -ESTALE when it is older than generation `seen`. */
int repo_find_head(struct repo *repo, uint64_t seen, struct why *why);

/*
 * The same of one generation, under the ring that is in force; and the head must name the slot that
 * the ring came from: -EACCES when it does not, for then the key was taken away.
 */
int repo_read_head(struct repo *repo, uint64_t generation, struct why *why);

/* The highest generation that the place has a head of, 0: none. */
int repo_newest_generation(struct repo *repo, uint64_t seen, uint64_t *ret_newest, struct why *why);

/*
 * Finds the slot that `unlock` opens and whose keys the newest head goes by, and puts those keys in
 * force. -EACCES: no slot opens, or the key was taken away. NULL: the key that is in force, for
 * somebody else has rotated since.
 */
int repo_find_key(struct repo *repo, const struct unlock *unlock, uint64_t newest, struct why *why);

/* Puts the keys of a slot in force. Takes the opened one. */
void repo_take_key(struct repo *repo, struct slot_opened *opened, const struct object_id *slot,
	const uint8_t sum[32]);

/* What `repo` tells, without any key. */
int repo_read_parameters(struct repo *repo, struct why *why);

/* The first head, which names the one key there is. For repo_init(), and for one cut short. */
int repo_first_head(struct repo *repo, struct why *why);

/* Stores a slot as a new object. Gives its id and sum. */
int repo_store_slot(struct repo *repo, const struct object_header *header, const uint8_t *bytes,
	uint8_t ret_sum[32], struct why *why);

/* So many heads stay at least; older ones a collection may remove. */
enum { HEADS_KEPT = 64 };

/*
 * Changes a copy of the newest head. 0: write it; HEAD_AS_IS: nothing is to be written; an error.
 * It is called anew for each newer head that another writer put meanwhile, and must find by itself
 * what it has done already.
 */
enum { HEAD_AS_IS = 1 };
typedef int head_edit_fn(void *arg, struct head *head, struct why *why);

/* Writes the next head. Nothing else does. -EEXIST when others were faster for too long. */
int repo_edit_head(struct repo *repo, head_edit_fn *edit, void *arg, struct why *why);

/* The same, signed and sealed with a ring that is not in force yet. NULL: with that in force. */
int repo_edit_head_as(struct repo *repo, const struct key_ring *ring, head_edit_fn *edit, void *arg,
	struct why *why);

/* Waits for the crew, then closes the open packs and puts them to the place. */
int repo_close_packs(struct repo *repo, struct why *why);

/* repo_rely(), after repo_adopt() where it is not known else: 1, 0 or an error. */
int repo_known(struct repo *repo, const struct digest *digest, struct why *why);

/*
 * repo_has(), and the commit will see to it that the chunk's pack stays. For writers. 1, 0 or an
 * error.
 */
int repo_rely(struct repo *repo, const struct digest *digest);

/* Word of a point of which the packs from `first_pack` on are new: the commit of a writer. */
int inbox_put(struct repo *repo, const struct point *point, uint32_t first_pack, struct why *why);

/* The commit of a point that a writer brought; his number is noted in the head. */
int repo_commit_brought(struct repo *repo, struct point *point, const struct object_id *key,
	uint64_t number, struct why *why);

/* Whether the chunk of this pack is what its name says. */
bool repo_chunk_whole(struct repo *repo, struct opener *opener, const uint8_t *pack,
	const struct pack_entry *entry);

typedef VEC(struct object_id) ids_t;

static inline void ids_done(ids_t *ids)
{
	vec_done(ids);
}

/* Index objects for the packs of `index` from number `first` on. Adds what a head says of them. */
int repo_put_index(struct repo *repo, const struct index *index, uint32_t first,
	head_indexes_t *ret_indexes, struct why *why);

/* Puts an object of no use to the place, unless it is there: room for the next collection. */
int repo_put_reserve(const struct repo_world *world, uint64_t bytes, struct why *why);

/* Lets it go, because the place is full. False: there is none. */
bool repo_release_reserve(const struct repo_world *world);

/* repo_commit() without a point: what packing_add() got is found from now on. */
int repo_commit_copies(struct repo *repo, struct why *why);

/* Reads the index anew, by the newest head that we know. Nothing may wait in open packs. */
int repo_read_indexes(struct repo *repo, struct why *why);

/* ---- read.c ---- */

/* Memory that one chunk after the other uses: what is given back and asked for again costs faults.
 */
struct room {
	uint8_t *bytes;
	size_t cap;
};

/* One chunk to be read, with the tools for it: any thread that has an opener can. */
struct reading {
	struct place *place;
	struct index_entry entry;
	char name[OBJECT_NAME]; /* of its pack */
	struct codec *codec;
	struct digester *digester;
	struct room sealed, plain;
};

/*
 * Only the bytes of this chunk, checked: entry.at.plain_length of them, in `plain`. -EBADMSG: the
 * pack wants mending, and `plain` means nothing.
 */
int reading_run(struct reading *reading, struct opener *opener, struct why *why);
void reading_done(struct reading *reading);

/* The same for an entry of the index, by the caller's thread. */
int repo_piece(
	struct repo *repo, const struct index_entry *entry, uint8_t **ret_bytes, struct why *why);

/* The same out of the whole pack, mended by its parity. */
int repo_piece_mended(
	struct repo *repo, const struct index_entry *entry, uint8_t **ret_bytes, struct why *why);

/* The opener of a pack of the index; borrowed until OPENERS others were asked for. */
int repo_opener(struct repo *repo, uint32_t pack, struct opener **ret_opener, struct why *why);

/* Whether index objects tell how long packs are; they do not where older readers are expected. */
static inline bool repo_tells_lengths(const struct repo *repo)
{
	return repo->head.capabilities & HEAD_LENGTHS;
}

/* ---- elsewhere.c ---- */

/*
 * The chunk of a pack that does not give it, out of another one that has it, too. -ENOENT: there is
 * none.
 */
int repo_elsewhere(struct repo *repo, const struct index_entry *entry, uint8_t **ret_bytes);
void elsewhere_done(struct repo *repo);

/* ---- adopt.c ---- */

/* What a pack of that size says of its chunks, by reading its ends only. Gives the entries. */
int repo_read_directory(struct repo *repo, const struct index_pack *pack, uint64_t size,
	struct pack_directory *ret_directory, struct why *why);

/*
 * Once for each open repository, when the first chunk is met that no index knows: a run with
 * nothing new lists nothing.
 */
int repo_adopt(struct repo *repo, struct why *why);

/* Objects that lack only their name get it, for a key that reads nothing: once, too. */
void repo_take_up(struct repo *repo);

/* ---- packing.c ---- */

/* Puts a blob into the open pack of its stream; a full one goes to the place. */
int packing_add(struct repo *repo, const struct blob_note *note, const uint8_t *blob, size_t len,
	struct why *why);

/* -EIO ... once a pack did not come to the place: none after it counts. */
int packing_check(const struct repo *repo, struct why *why);

/* Whether a pack that is not in the index yet has it. */
bool packing_has(const struct repo *repo, const struct digest *digest);

/* Closes what is open, and waits until all is at the place and in the index. */
int packing_finish(struct repo *repo, struct why *why);

/* Forgets all of it: for repo_close(). */
void packing_drop(struct repo *repo);

/*
 * repo_commit() for this repository alone. A point that has an id keeps it. `in_order`: it stands
 * among the others by its end, not as the last.
 */
int repo_commit_alone(struct repo *repo, struct point *point, bool in_order, struct why *why);

/* ---- twin.c ---- */

/* packing_add() here and at every twin that does not have the chunk. */
int repo_add_blob(struct repo *repo, const struct blob_note *note, const uint8_t *blob, size_t len,
	struct why *why);

/* Whether this repository itself has failed while its twins go on. */
bool twins_without_us(const struct repo *repo);

/* That it has: 0 when there are twins that go on, else `err`. */
int twins_on_failure(struct repo *repo, int err, const struct why *why);

/* repo_commit() here and at the twins. */
int twins_commit(struct repo *repo, struct point *point, struct why *why);

/* What a new head says of the others. */
int twins_note(const struct repo *repo, struct head *head);
void twins_drop(struct repo *repo);

/* ---- squeeze.c, where there is a crew ---- */

/* A chunk that is new, to be compressed and packed. Copies the bytes. */
int squeeze_named(struct repo *repo, const struct blob_note *note, const void *bytes, size_t len,
	struct why *why);

/* Lends room for so many bytes. At most two are lent at once. */
int squeeze_room(struct repo *repo, size_t len, uint8_t **ret_room, struct why *why);
void squeeze_room_back(struct repo *repo, const uint8_t *room);

/*
 * Content in a room that was lent, which this takes back. Its name is wanted as the last of `list`,
 * which stays until squeeze_settle().
 */
void squeeze_unnamed(struct repo *repo, const uint8_t *room, size_t len, struct digest_list *list);

bool squeeze_has(const struct repo *repo, const struct digest *digest);

/* Waits until every name is in its list. */
int squeeze_settle(struct repo *repo, struct why *why);

/* Waits until everything is in a pack. */
int squeeze_finish(struct repo *repo, struct why *why);
void squeeze_drop(struct repo *repo);

/* object_fetch() of a sealed object of one segment, opened. Gives the plain body. */
int repo_fetch(struct repo *repo, enum object_kind kind, const struct object_id *id,
	uint8_t **ret_plain, size_t *ret_len, struct why *why);

/* The same of an index that a head names, as it names it: -EBADMSG when it is another one. */
int repo_fetch_index(struct repo *repo, const struct head_index *index, uint8_t **ret_plain,
	size_t *ret_len, struct why *why);

/* Whether this is the body whose sum a head tells. */
bool body_is(const uint8_t *body, size_t len, const uint8_t sum[32]);

/* Seals and stores a body as one object. */
int repo_store(struct repo *repo, struct object_header *header, const uint8_t *body, size_t len,
	struct why *why);

#endif
