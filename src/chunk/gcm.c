/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's context, made with the key and used again with a nonce for each message. */
#include "chunk/gcm.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* struct gcm is never defined: it is OpenSSL's context under a name of ours. */
static EVP_CIPHER_CTX *inner(struct gcm *gcm)
{
	return (EVP_CIPHER_CTX *)gcm;
}

const uint8_t gcm_zero_nonce[GCM_NONCE];

struct gcm *gcm_new(const uint8_t key[GCM_KEY], bool seals)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (ctx && EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, NULL, seals, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return (struct gcm *)ctx;
}

void gcm_free(struct gcm *gcm)
{
	EVP_CIPHER_CTX_free(inner(gcm));
}

void gcm_own(struct gcm **gcm)
{
	gcm_free(*gcm);
}

int gcm_seal(struct gcm *gcm, const struct gcm_message *m, uint8_t *ret_sealed)
{
	EVP_CIPHER_CTX *ctx = inner(gcm);
	int out = 0;
	if (m->len > INT_MAX - GCM_TAG)
		return -EOVERFLOW;
	if (EVP_EncryptInit_ex2(ctx, NULL, NULL, m->nonce, NULL) != 1 ||
		EVP_EncryptUpdate(ctx, NULL, &out, m->aad, (int)m->aad_len) != 1 ||
		EVP_EncryptUpdate(ctx, ret_sealed, &out, m->in, (int)m->len) != 1 ||
		EVP_EncryptFinal_ex(ctx, ret_sealed + m->len, &out) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, ret_sealed + m->len) != 1)
		return -EIO;
	return 0;
}

int gcm_open(struct gcm *gcm, const struct gcm_message *m, uint8_t *ret_plain)
{
	EVP_CIPHER_CTX *ctx = inner(gcm);
	int out = 0;
	uint8_t tag[GCM_TAG];
	if (m->len < GCM_TAG || m->len > INT_MAX)
		return -EBADMSG;
	size_t len = m->len - GCM_TAG;
	memcpy(tag, m->in + len, GCM_TAG);
	if (EVP_DecryptInit_ex2(ctx, NULL, NULL, m->nonce, NULL) == 1 &&
		EVP_DecryptUpdate(ctx, NULL, &out, m->aad, (int)m->aad_len) == 1 &&
		EVP_DecryptUpdate(ctx, ret_plain, &out, m->in, (int)len) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) == 1 &&
		EVP_DecryptFinal_ex(ctx, ret_plain + len, &out) == 1)
		return 0;
	OPENSSL_cleanse(ret_plain, len);
	return -EBADMSG;
}
