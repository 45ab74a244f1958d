/* SPDX-License-Identifier: Apache-2.0 */
/* XML by libexpat, with bounds of our own. */
#include "place/xml.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"

struct walk {
	XML_Parser parser;
	xml_element_fn *fn;
	void *arg;
	const char *refused; /* what we ourselves did not like */
	char path[XML_DEPTH * (XML_NAME + 1) + 1];
	size_t ends[XML_DEPTH + 1]; /* of the path, at each depth */
	int depth;
	bool inner; /* the element that ended last was within this one */
	char text[XML_TEXT + 1];
	size_t text_len;
};

static void refuse(struct walk *walk, const char *what)
{
	if (!walk->refused)
		walk->refused = what;
	XML_StopParser(walk->parser, XML_FALSE);
}

static void on_start(void *arg, const char *name, const char **attributes)
{
	struct walk *walk = arg;
	const char *colon = strchr(name, ':');
	(void)attributes;
	if (colon)
		name = colon + 1;
	if (walk->depth == XML_DEPTH || strlen(name) > XML_NAME) {
		refuse(walk, "it is too deep, or a name in it too long");
		return;
	}
	if (!*name) {
		refuse(walk, "a name in it is empty");
		return;
	}
	size_t end = walk->ends[walk->depth];
	int added = snprintf(
		walk->path + end, sizeof(walk->path) - end, "%s%s", walk->depth ? "/" : "", name);
	walk->ends[++walk->depth] = end + (size_t)added;
	walk->text_len = 0;
	walk->inner = false;
}

static void on_end(void *arg, const char *name)
{
	struct walk *walk = arg;
	(void)name;
	if (walk->refused) /* an element that is empty ends although the parser was stopped */
		return;
	walk->text[walk->inner ? 0 : walk->text_len] = '\0';
	if (!walk->fn(walk->arg, walk->path, walk->text))
		refuse(walk, "it is not what was asked for");
	walk->path[walk->ends[--walk->depth]] = '\0';
	walk->inner = true;
	walk->text_len = 0;
}

static void on_text(void *arg, const char *text, int len)
{
	struct walk *walk = arg;
	if ((size_t)len > XML_TEXT - walk->text_len) {
		refuse(walk, "a text in it is too long");
		return;
	}
	memcpy(walk->text + walk->text_len, text, (size_t)len);
	walk->text_len += (size_t)len;
}

static void on_doctype(
	void *arg, const char *name, const char *system, const char *public_id, int subset)
{
	(void)name;
	(void)system;
	(void)public_id;
	(void)subset;
	refuse(arg, "it has a document type");
}

int xml_walk(const uint8_t *bytes, size_t len, xml_element_fn *fn, void *arg, struct why *why)
{
	struct walk walk = {.fn = fn, .arg = arg};
	if (len > INT_MAX)
		return why_set(why, -EBADMSG, "the answer is too long");
	walk.parser = XML_ParserCreate(NULL);
	if (!walk.parser)
		return -ENOMEM;
	XML_SetUserData(walk.parser, &walk);
	XML_SetElementHandler(walk.parser, on_start, on_end);
	XML_SetCharacterDataHandler(walk.parser, on_text);
	XML_SetStartDoctypeDeclHandler(walk.parser, on_doctype);
	enum XML_Status status = XML_Parse(walk.parser, (const char *)bytes, (int)len, XML_TRUE);
	enum XML_Error code = XML_GetErrorCode(walk.parser);
	XML_ParserFree(walk.parser);
	if (walk.refused)
		return why_set(why, -EBADMSG, "the answer cannot be used: %s", walk.refused);
	if (status == XML_STATUS_OK)
		return 0;
	if (code == XML_ERROR_NO_MEMORY)
		return -ENOMEM;
	return why_set(why, -EBADMSG, "the answer is no XML: %s", XML_ErrorString(code));
}
