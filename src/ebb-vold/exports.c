/* SPDX-License-Identifier: Apache-2.0 */
/* Each is made when it is asked for, and holds its volume. */
#include "ebb-vold/exports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "vol/engine.h"
#include "vol/map.h"

const struct export *export_of(const struct nbd_export *nbd)
{
	return (const struct export *)(const void *)nbd;
}

static const struct nbd_export *make(struct served *served, const struct map_snapshot *snapshot)
{
	const struct vol_map *map = engine_map(served->engine);
	struct export *export = calloc(1, sizeof(*export));
	if (!export || contexts_init(&export->contexts, map, snapshot ? snapshot->era : map->era)) {
		free(export);
		return NULL;
	}
	export->served = served;
	export->era = snapshot ? snapshot->era : 0;
	snprintf(export->name, sizeof(export->name), "%s%s%s", served->name, snapshot ? "@" : "",
		snapshot ? snapshot->name : "");
	export->nbd = (struct nbd_export){.name = export->name,
		.description = snapshot ? "a snapshot" : "a volume",
		.size = snapshot ? snapshot->size : map->size,
		.preferred = VOL_BLOCK,
		.read_only = snapshot != NULL,
		.shared = true,
		.contexts = export->contexts.names,
		.context_count = export->contexts.count,
		.fast_zero = true};
	served->holds++;
	return &export->nbd;
}

/* "" is the first volume that can be had. */
static const struct nbd_export *get(struct nbd_exports *base, const char *name)
{
	struct exports *exports = container_of(base, struct exports, base);
	char volume[VOLUME_NAME_MAX];
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : strlen(name);
	struct served *served = volumes_first(exports->volumes);
	if (len >= sizeof(volume))
		return NULL;
	memcpy(volume, name, len);
	volume[len] = '\0';
	if (*name)
		served = volumes_find(exports->volumes, volume);
	else
		while (served && !served->engine)
			served = served->next;
	if (!served || !served->engine)
		return NULL;
	const struct map_snapshot *snapshot = at ? map_snapshot(engine_map(served->engine), at + 1)
						 : NULL;
	return at && !snapshot ? NULL : make(served, snapshot);
}

/* Volumes, each followed by its snapshots. */
static const struct nbd_export *nth(struct nbd_exports *base, size_t index)
{
	struct exports *exports = container_of(base, struct exports, base);
	struct served *served = volumes_first(exports->volumes);
	for (; served; served = served->next) {
		if (!served->engine)
			continue;
		const struct vol_map *map = engine_map(served->engine);
		if (index <= map->snapshots.len)
			return make(served, index ? &map->snapshots.at[index - 1] : NULL);
		index -= map->snapshots.len + 1;
	}
	return NULL;
}

static void put(struct nbd_exports *base, const struct nbd_export *nbd)
{
	struct export *export = (struct export *)(uintptr_t)nbd;
	(void)base;
	export->served->holds--;
	contexts_done(&export->contexts);
	free(export);
}

void exports_init(struct exports *exports, struct volumes *volumes)
{
	static const struct nbd_exports_ops ops = {.get = get, .nth = nth, .put = put};
	*exports = (struct exports){.base.ops = &ops, .volumes = volumes};
}
