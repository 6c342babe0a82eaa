/*
 * Lines "drm-NAME:<blanks>VALUE[ UNIT]". Engines either as drm-engine-NAME in ns (i915, amdgpu, v3d, …) or
 * as drm-cycles-NAME of drm-total-cycles-NAME (xe); an engine that has both counts once, in ns.
 *
 * A region of memory is told in up to three ways. Resident is what it holds; drm-memory is amdgpu's older
 * name for that; total, with buffers that are swapped out, is the last resort.
 */
#include "recorder/collectors/drm_fdinfo_linux.h"

#include <string.h>

#include "recorder/textfile.h"
#include "schema/error.h"

enum { RANK_TOTAL = 1, RANK_MEMORY, RANK_RESIDENT };

struct region {
    char name[DRM_NAME_SIZE];
    int rank; /* of the best that told it */
    int64_t bytes;
};

struct parsing {
    struct drm_fdinfo *info;
    char timed[DRM_ENGINES_MOST][DRM_NAME_SIZE]; /* engines told in ns */
    size_t timed_count, region_count;
    struct region regions[DRM_REGIONS_MOST];
};

/* One line: what is before its colon and behind it. */
struct line {
    const char *key, *value, *end;
    size_t key_size;
};

static bool split(const char *at, const char *end, struct line *line)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));

    if (colon == NULL)
        return false;
    *line = (struct line){ .key = at, .key_size = (size_t)(colon - at), .end = end };
    line->value = colon + 1;
    while (line->value < end && (*line->value == ' ' || *line->value == '\t'))
        line->value++;
    return true;
}

/* The key behind the prefix; NULL: it begins with something else, or the rest is no name. */
static const char *behind(const struct line *line, const char *prefix, size_t *size)
{
    size_t length = strlen(prefix);

    if (line->key_size <= length || memcmp(line->key, prefix, length) != 0)
        return NULL;
    *size = line->key_size - length;
    return *size < DRM_NAME_SIZE ? line->key + length : NULL;
}

static bool is(const struct line *line, const char *key)
{
    return line->key_size == strlen(key) && memcmp(line->key, key, line->key_size) == 0;
}

static void copy_word(char to[DRM_NAME_SIZE], const struct line *line)
{
    size_t size = 0;

    while (line->value + size < line->end && line->value[size] > ' ')
        size++;
    if (size >= DRM_NAME_SIZE)
        size = 0;
    memcpy(to, line->value, size);
    to[size] = '\0';
}

static bool number(const struct line *line, int64_t *value)
{
    const char *at = line->value;
    static const struct {
        const char *name;
        int64_t multiplier;
    } units[] = { { "KiB", 1024 }, { "MiB", 1048576 } };

    if (textfile_number(&at, line->end, value) != MISSING_NONE)
        return false;
    while (at < line->end && *at == ' ')
        at++;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        size_t size = strlen(units[i].name);

        if ((size_t)(line->end - at) >= size && memcmp(at, units[i].name, size) == 0)
            return !__builtin_mul_overflow(*value, units[i].multiplier, value);
    }
    return true;
}

/* drm-engine-capacity-NAME says how many engines of a name there are. */
static bool is_capacity(const char *name, size_t size)
{
    static const char prefix[] = "capacity-";

    return size >= sizeof prefix - 1 && memcmp(name, prefix, sizeof prefix - 1) == 0;
}

static void add_engine(struct parsing *p, const struct line *line, const char *name, size_t size)
{
    struct drm_fdinfo *info = p->info;
    int64_t ns = 0, sum;

    if (is_capacity(name, size) || !number(line, &ns) || p->timed_count == DRM_ENGINES_MOST ||
        __builtin_add_overflow(info->engine_ns, ns, &sum))
        return;
    info->engine_ns = sum;
    info->has_engine = true;
    memcpy(p->timed[p->timed_count], name, size);
    p->timed[p->timed_count++][size] = '\0';
}

static void add_cycles(struct drm_fdinfo *info, const struct line *line, const char *name,
                       size_t size, bool total)
{
    struct drm_cycles *engine = NULL;
    int64_t cycles = 0;

    if (!number(line, &cycles))
        return;
    for (size_t i = 0; i < info->cycle_count && engine == NULL; i++)
        if (strlen(info->cycles[i].name) == size && memcmp(info->cycles[i].name, name, size) == 0)
            engine = &info->cycles[i];
    if (engine == NULL) {
        if (info->cycle_count == DRM_ENGINES_MOST)
            return;
        engine = &info->cycles[info->cycle_count++];
        memcpy(engine->name, name, size);
        engine->name[size] = '\0';
    }
    if (total) {
        engine->has_total = true;
        engine->total = cycles;
    } else {
        engine->has_busy = true;
        engine->busy = cycles;
    }
}

static void add_region(struct parsing *p, const struct line *line, const char *name, size_t size,
                       int rank)
{
    struct region *region = NULL;
    int64_t bytes = 0;

    if (!number(line, &bytes))
        return;
    for (size_t i = 0; i < p->region_count && region == NULL; i++)
        if (strlen(p->regions[i].name) == size && memcmp(p->regions[i].name, name, size) == 0)
            region = &p->regions[i];
    if (region == NULL) {
        if (p->region_count == DRM_REGIONS_MOST)
            return;
        region = &p->regions[p->region_count++];
        memcpy(region->name, name, size);
        region->name[size] = '\0';
    }
    if (rank > region->rank) {
        region->rank = rank;
        region->bytes = bytes;
    }
}

static void add_line(struct parsing *p, const struct line *line)
{
    struct drm_fdinfo *info = p->info;
    const char *name;
    int64_t id = 0;
    size_t size;

    if (is(line, "drm-driver"))
        copy_word(info->driver, line);
    else if (is(line, "drm-pdev"))
        copy_word(info->pdev, line);
    else if (is(line, "drm-client-id")) {
        info->has_client = number(line, &id);
        info->client_id = (uint64_t)id;
    } else if ((name = behind(line, "drm-engine-", &size)) != NULL)
        add_engine(p, line, name, size);
    else if ((name = behind(line, "drm-cycles-", &size)) != NULL)
        add_cycles(info, line, name, size, false);
    else if ((name = behind(line, "drm-total-cycles-", &size)) != NULL)
        add_cycles(info, line, name, size, true);
    else if ((name = behind(line, "drm-resident-", &size)) != NULL)
        add_region(p, line, name, size, RANK_RESIDENT);
    else if ((name = behind(line, "drm-memory-", &size)) != NULL)
        add_region(p, line, name, size, RANK_MEMORY);
    else if ((name = behind(line, "drm-total-", &size)) != NULL)
        add_region(p, line, name, size, RANK_TOTAL);
}

/* Only engines with both numbers, and none that is told in ns too. */
static void keep_whole_cycles(struct parsing *p)
{
    struct drm_fdinfo *info = p->info;
    size_t kept = 0;

    for (size_t i = 0; i < info->cycle_count; i++) {
        bool keep = info->cycles[i].has_busy && info->cycles[i].has_total;

        for (size_t j = 0; j < p->timed_count; j++)
            keep = keep && strcmp(p->timed[j], info->cycles[i].name) != 0;
        if (keep)
            info->cycles[kept++] = info->cycles[i];
    }
    info->cycle_count = kept;
}

/* amdgpu and xe have vram, i915 local: the GPU's own. One without has its buffers in main memory. */
static bool is_own(const char *name)
{
    return strncmp(name, "vram", 4) == 0 || strncmp(name, "local", 5) == 0;
}

static void add_memory(struct parsing *p)
{
    struct drm_fdinfo *info = p->info;
    bool own = false;
    int64_t sum;

    for (size_t i = 0; i < p->region_count; i++)
        own = own || is_own(p->regions[i].name);
    for (size_t i = 0; i < p->region_count; i++) {
        if ((own && !is_own(p->regions[i].name)) ||
            __builtin_add_overflow(info->memory_bytes, p->regions[i].bytes, &sum))
            continue;
        info->memory_bytes = sum;
        info->has_memory = true;
    }
}

void drm_fdinfo_parse(const char *text, size_t size, struct drm_fdinfo *info)
{
    struct parsing p = { .info = info };
    const char *at = text, *end = text + size, *line_end;
    struct line line;

    *info = (struct drm_fdinfo){ .has_client = false };
    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1)
        if (split(at, line_end, &line))
            add_line(&p, &line);
    keep_whole_cycles(&p);
    add_memory(&p);
}
