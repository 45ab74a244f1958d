/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of files and of what they should be; and damage. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "ebb/demo.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/world.h"

enum { PIECE = 1 << 20, HASH_BYTES = 32 };

static void digest_free(EVP_MD_CTX **digest)
{
	EVP_MD_CTX_free(*digest);
}

static int show_end(EVP_MD_CTX *digest, char hex[DEMO_HASH])
{
	uint8_t hash[HASH_BYTES];
	if (EVP_DigestFinal_ex(digest, hash, NULL) != 1)
		return -EIO;
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return 0;
}

int demo_hash_file(struct demo *demo, const char *name, char ret_hex[DEMO_HASH])
{
	OWN(file_close_own) struct file *file = NULL;
	OWN(own_free) uint8_t *piece = malloc(PIECE);
	OWN(digest_free) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	if (!piece || !digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	int err = disk_open(demo->session.world->disk, name, FILE_READ, &file);
	if (err)
		return err;
	uint64_t at = 0;
	for (;;) {
		ssize_t n = file_read_at(file, piece, PIECE, at);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return show_end(digest, ret_hex);
		if (EVP_DigestUpdate(digest, piece, (size_t)n) != 1)
			return -EIO;
		at += (uint64_t)n;
	}
}

int demo_hash_writes(uint64_t writes, uint64_t blocks, char ret_hex[DEMO_HASH])
{
	OWN(own_free) uint8_t *image = calloc(blocks, WRITER_BLOCK);
	OWN(digest_free) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	if (!image || !digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	for (uint64_t number = 1; number <= writes; number++)
		writer_fill(number, image + writer_place(number, blocks) * WRITER_BLOCK);
	if (EVP_DigestUpdate(digest, image, blocks * WRITER_BLOCK) != 1)
		return -EIO;
	return show_end(digest, ret_hex);
}

int demo_count_writes(struct demo *demo, const char *name, uint64_t *ret_writes)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t number[8];
	uint64_t most = 0;
	int err = disk_open(demo->session.world->disk, name, FILE_READ, &file);
	for (uint64_t block = 0; !err && block < demo->writer.blocks; block++) {
		ssize_t n = file_read_at(file, number, sizeof(number), block * WRITER_BLOCK);
		if (n != sizeof(number))
			err = n < 0 ? (int)n : -EIO;
		else if (get_le64(number) > most)
			most = get_le64(number);
	}
	if (err)
		return err;
	*ret_writes = most <= demo->writer.begun ? most : 0;
	return 0;
}

/* ---- damage ---- */

struct search {
	struct disk *disk;
	char folder[64], name[256]; /* of packs; of the largest one */
	uint64_t size;
};

static uint64_t size_of(struct disk *disk, const char *name)
{
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size;
	return disk_open(disk, name, FILE_READ, &file) || file_size(file, &size) ? 0 : size;
}

static bool on_pack(void *arg, const char *name, bool is_dir)
{
	struct search *search = arg;
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", search->folder, name);
	uint64_t size = is_dir ? 0 : size_of(search->disk, path);
	if (size > search->size) {
		search->size = size;
		memcpy(search->name, path, sizeof(path));
	}
	return true;
}

static bool on_folder(void *arg, const char *name, bool is_dir)
{
	struct search *search = arg;
	snprintf(search->folder, sizeof(search->folder), "repo/data/%.40s", name);
	return !is_dir || disk_list(search->disk, search->folder, on_pack, search) == 0;
}

int demo_flip(struct demo *demo, struct demo_flip *ret_flip, char ret_hex[DEMO_HASH])
{
	struct world *world = demo->session.world;
	struct search search = {.disk = world->disk};
	OWN(file_close_own) struct file *file = NULL;
	struct demo_flip flip = {0};
	int err = disk_list(world->disk, "repo/data", on_folder, &search);
	if (!err && !search.size)
		err = -ENOENT;
	if (!err)
		err = disk_open(world->disk, search.name, FILE_READ | FILE_WRITE, &file);
	if (err)
		return err;
	err = demo_hash_file(demo, search.name, ret_hex);
	if (err)
		return err;
	memcpy(flip.name, search.name, sizeof(flip.name));
	flip.at = search.size / 4 + dice_u64(world->dice) % (search.size / 2 + 1);
	if (file_read_at(file, &flip.was, 1, flip.at) != 1)
		return -EIO;
	flip.is = flip.was ^ (uint8_t)(1 << dice_u64(world->dice) % 8);
	if (file_write_at(file, &flip.is, 1, flip.at) != 1)
		return -EIO;
	*ret_flip = flip;
	return file_sync(file);
}
