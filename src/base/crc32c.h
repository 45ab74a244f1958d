/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C (Castagnoli), for what is written and read at the speed of memory: blocks of volumes. It
 * finds every change of up to three bits and every burst of 32 in a block of 4 KiB; against an
 * adversary it is nothing. The values are part of on-disk formats.
 *
 * Any thread.
 */
#ifndef EBB_BASE_CRC32C_H
#define EBB_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, 0 at the start: the sum of two parts is that of the second from the first's.
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

/* The same without instructions of its own, as machines without them compute it. */
uint32_t crc32c_plain(uint32_t crc, const void *bytes, size_t len);

#endif
