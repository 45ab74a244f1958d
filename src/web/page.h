/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain page: what is protected and how it went, made here, without scripts. It stands in for
 * the page of page/ where that was not built, and for browsers without scripts.
 *
 * The loop's thread only.
 */
#ifndef EBB_WEB_PAGE_H
#define EBB_WEB_PAGE_H

#include "web/site.h"

/* The page of page/, or the plain one. */
void page_index(const struct site *site, const struct request *request, struct answer *ret);
void page_asset(const struct site *site, const struct request *request, struct answer *ret);
void page_plain(const struct site *site, const struct request *request, struct answer *ret);
void page_plain_style(const struct site *site, const struct request *request, struct answer *ret);

#endif
