/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API: requests to the questions of node/document.h, its documents to answers.
 *
 * The loop's thread only.
 */
#ifndef EBB_WEB_API_H
#define EBB_WEB_API_H

#include "web/site.h"

/* The process answers. */
void api_healthz(const struct site *site, const struct request *request, struct answer *ret);
/* Turns go on and can be kept. */
void api_readyz(const struct site *site, const struct request *request, struct answer *ret);
/* As Prometheus reads it. */
void api_metrics(const struct site *site, const struct request *request, struct answer *ret);

/* What happens, as it happens. */
void api_events(const struct site *site, const struct request *request, struct answer *ret);

/* docs/openapi.json */
void api_openapi(const struct site *site, const struct request *request, struct answer *ret);

/* Documents of node/document.h. */
void api_status(const struct site *site, const struct request *request, struct answer *ret);
void api_resources(const struct site *site, const struct request *request, struct answer *ret);
void api_resource(const struct site *site, const struct request *request, struct answer *ret);
void api_jobs(const struct site *site, const struct request *request, struct answer *ret);
void api_job(const struct site *site, const struct request *request, struct answer *ret);
void api_why(const struct site *site, const struct request *request, struct answer *ret);
void api_outlook(const struct site *site, const struct request *request, struct answer *ret);
void api_what_if(const struct site *site, const struct request *request, struct answer *ret);
void api_series(const struct site *site, const struct request *request, struct answer *ret);
void api_forecast(const struct site *site, const struct request *request, struct answer *ret);
void api_points(const struct site *site, const struct request *request, struct answer *ret);
void api_tiers(const struct site *site, const struct request *request, struct answer *ret);
void api_volumes(const struct site *site, const struct request *request, struct answer *ret);
void api_now(const struct site *site, const struct request *request, struct answer *ret);
void api_pause(const struct site *site, const struct request *request, struct answer *ret);
void api_resume(const struct site *site, const struct request *request, struct answer *ret);
void api_cancel(const struct site *site, const struct request *request, struct answer *ret);

#endif
