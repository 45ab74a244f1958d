/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of the node to HTML; what stands in them is shown, never meant. */
#include "web/page.h"

#include <jansson.h>
#include <string.h>

#include "base/str.h"
#include "node/document.h"
#include "web/asset.h"

static const char style[] =
	":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}"
	"body{max-width:60rem;margin:2rem auto;padding:0 1rem}"
	"table{border-collapse:collapse;width:100%}"
	"th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884;"
	"vertical-align:top}"
	".scroll{overflow-x:auto}"
	"h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\n";

static void add_escaped(struct str *html, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			str_add(html, "&lt;");
			break;
		case '>':
			str_add(html, "&gt;");
			break;
		case '&':
			str_add(html, "&amp;");
			break;
		case '"':
			str_add(html, "&quot;");
			break;
		default:
			str_add_bytes(html, text, 1);
		}
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static void add_cell(struct str *html, const char *text)
{
	str_add(html, "<td>");
	add_escaped(html, text);
	str_add(html, "</td>");
}

/* "2026-11-21 02:10" of a moment in RFC 3339. */
static void add_moment(struct str *html, const char *text)
{
	str_addf(html, "<td>%.10s %.5s</td>", text, strlen(text) > 16 ? text + 11 : "");
}

static json_t *ask(const struct site *site, node_document_fn *document)
{
	json_t *found = NULL;
	if (document(site->node, &(struct node_ask){.limit = 20}, &found, NULL) != 0)
		return NULL;
	return found;
}

static void add_resources(const struct site *site, struct str *html)
{
	json_t *document = ask(site, node_resources), *one;
	size_t i;
	const json_t *list = json_object_get(document, "resources");
	str_add(html, "<h2>Protected</h2>");
	if (!json_array_size(list))
		str_add(html,
			"<p>Nothing yet: name it in the section <code>protect</code> of the "
			"configuration.</p>");
	else
		str_add(html,
			"<div class=scroll><table><thead><tr><th scope=col>Name"
			"<th scope=col>State<th scope=col>What is kept</tr></thead><tbody>");
	json_array_foreach (list, i, one) {
		str_add(html, "<tr>");
		add_cell(html, text_of(one, "name"));
		add_cell(html, text_of(one, "sentence"));
		add_cell(html, text_of(one, "path"));
		str_add(html, "</tr>");
	}
	if (json_array_size(list))
		str_add(html, "</tbody></table></div>");
	json_decref(document);
}

static void add_jobs(const struct site *site, struct str *html)
{
	json_t *document = ask(site, node_jobs), *one;
	size_t i;
	const json_t *list = json_object_get(document, "jobs");
	if (json_array_size(list))
		str_add(html,
			"<h2>Jobs</h2><div class=scroll><table><thead><tr><th scope=col>Job"
			"<th scope=col>Of<th scope=col>Began (UTC)<th scope=col>State"
			"</tr></thead><tbody>");
	json_array_foreach (list, i, one) {
		str_addf(html, "<tr><td>%" JSON_INTEGER_FORMAT "</td>",
			json_integer_value(json_object_get(one, "id")));
		add_cell(html, text_of(one, "resource"));
		add_moment(html, text_of(one, "started"));
		add_cell(html, text_of(one, "state"));
		str_add(html, "</tr>");
	}
	if (json_array_size(list))
		str_add(html, "</tbody></table></div>");
	json_decref(document);
}

void page_plain(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)request;
	struct str *html = &ret->body;
	json_t *status = ask(site, node_status);
	const char *degraded = text_of(status, "degraded");
	ret->status = 200;
	ret->type = "text/html; charset=utf-8";
	str_add(html,
		"<!doctype html><html lang=en><meta charset=utf-8>"
		"<meta name=viewport content=\"width=device-width,initial-scale=1\">"
		"<meta http-equiv=refresh content=30>"
		"<link rel=stylesheet href=/assets/plain.css><title>ebb: ");
	add_escaped(html, text_of(status, "node"));
	str_add(html, "</title><main><h1>");
	add_escaped(html, text_of(status, "node"));
	str_add(html, *degraded ? " is degraded" : " is well");
	str_add(html, "</h1><p>");
	if (*degraded)
		add_escaped(html, degraded);
	else
		str_addf(html, "ebb %s looks around every %.0f seconds.", site->version,
			json_number_value(json_object_get(status, "tick")));
	str_add(html, "</p>");
	add_resources(site, html);
	add_jobs(site, html);
	str_add(html,
		"<p>The same for programs: <a href=/api/v1/status>status</a>, "
		"<a href=/api/v1/resources>resources</a>, <a href=/api/v1/jobs>jobs</a>, "
		"<a href=/metrics>metrics</a>.</p></main></html>\n");
	json_decref(status);
	if (str_error(html)) {
		str_done(html);
		answer_refuse(ret, 503, "out of memory", "ask again in a while");
	}
}

void page_plain_style(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)site, (void)request;
	ret->status = 200;
	ret->type = "text/css; charset=utf-8";
	str_add(&ret->body, style);
}

void page_index(const struct site *site, const struct request *request, struct answer *ret)
{
	if (!asset_answer(site, request, "index.html", ret))
		page_plain(site, request, ret);
}

void page_asset(const struct site *site, const struct request *request, struct answer *ret)
{
	if (!asset_answer(site, request, request->segments[1], ret))
		answer_refuse(ret, 404, "the page has no such file", NULL);
}
