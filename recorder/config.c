/* JSON by cJSON, which keeps no positions: the line of a key is found again in the text. */
#include "recorder/config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20 };

struct config {
    char *text; /* NUL-terminated */
    size_t size;
    cJSON *root;
    char *list; /* an array joined by commas */
};

void config_release(struct config *config)
{
    if (config == NULL)
        return;
    free(config->text);
    cJSON_Delete(config->root);
    free(config->list);
    free(config);
}

/* --- text --- */

/* The whole file into *text, which the caller frees, also after an error. */
static enum status read_text(const char *path, char **text, size_t *size, struct error *err)
{
    FILE *file = fopen(path, "re");
    enum status st = STATUS_OK;

    if (file == NULL)
        return error_set(err, STATUS_IO, "%s", strerror(errno));
    *text = malloc(CONFIG_BYTES_MAX + 1);
    if (*text == NULL)
        st = error_set(err, STATUS_NO_MEMORY, "configuration");
    else
        *size = fread(*text, 1, CONFIG_BYTES_MAX + 1, file);
    if (st == STATUS_OK && ferror(file))
        st = error_set(err, STATUS_IO, "%s", strerror(errno));
    (void)fclose(file);
    return st;
}

static size_t line_of(const struct config *config, const char *at)
{
    size_t line = 1;

    for (const char *p = config->text; p < at && p < config->text + config->size; p++)
        line += *p == '\n';
    return line;
}

/* Behind the string that begins at the quote `at`. The text is valid JSON. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"' && *at != '\0'; at++)
        at += *at == '\\' && at[1] != '\0';
    return *at == '\0' ? at : at + 1;
}

/* The line of key number `wanted` of the outermost object. */
static size_t line_of_key(const struct config *config, size_t wanted)
{
    const char *end = config->text + config->size;
    bool key = true;
    int depth = 0;

    for (const char *p = config->text; p < end;) {
        if (*p == '"') {
            if (depth == 1 && key && wanted-- == 0)
                return line_of(config, p);
            p = skip_string(p);
            continue;
        }
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        if (depth == 1 && (*p == ':' || *p == ','))
            key = *p == ',';
        p++;
    }
    return line_of(config, end);
}

/* --- values --- */

/* The strings of an array, joined by commas. */
static enum status join(struct config *config, const cJSON *array, struct error *err)
{
    size_t size = 1;
    char *at;

    for (const cJSON *item = array->child; item != NULL; item = item->next) {
        if (!cJSON_IsString(item))
            return error_set(err, STATUS_INVALID, "wants strings only");
        size += strlen(item->valuestring) + 1;
    }
    config->list = at = malloc(size);
    if (at == NULL)
        return error_set(err, STATUS_NO_MEMORY, "configuration");
    *at = '\0';
    for (const cJSON *item = array->child; item != NULL; item = item->next) {
        size_t length = strlen(item->valuestring);

        memcpy(at, item->valuestring, length);
        at += length;
        *at++ = item->next == NULL ? '\0' : ',';
    }
    return STATUS_OK;
}

static enum status set_each(const struct option *option, const cJSON *array,
                            struct options *options, struct error *err)
{
    for (const cJSON *item = array->child; item != NULL; item = item->next) {
        if (!cJSON_IsString(item))
            return error_set(err, STATUS_INVALID, "wants strings only");
        if (option->set(options, item->valuestring, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status set_value(struct config *config, const struct option *option, const cJSON *value,
                             struct options *options, struct error *err)
{
    if (cJSON_IsNull(value))
        return STATUS_OK;
    if (option->form == OPTION_FLAG) {
        if (!cJSON_IsBool(value))
            return error_set(err, STATUS_INVALID, "wants true or false");
        return cJSON_IsTrue(value) ? option->set(options, NULL, err) : STATUS_OK;
    }
    if (option->form == OPTION_LIST && cJSON_IsArray(value)) {
        if (join(config, value, err) != STATUS_OK)
            return err->status;
        return option->set(options, config->list, err);
    }
    if (option->form == OPTION_REPEATED && cJSON_IsArray(value))
        return set_each(option, value, options, err);
    if (!cJSON_IsString(value))
        return error_set(err, STATUS_INVALID, "wants a string%s, as in \"%s\"",
                         option->form == OPTION_ONE ? "" : " or an array of strings",
                         option->example);
    return option->set(options, value->valuestring, err);
}

static enum status set_member(struct config *config, const cJSON *member, struct options *options,
                              struct error *err)
{
    const struct option *option = options_find(member->string, strlen(member->string));

    if (option == NULL || option->example == NULL)
        return error_set(err, STATUS_INVALID,
                         option == NULL ? "is no option; procscoped --help lists them"
                                        : "is for the command line only");
    for (const cJSON *before = config->root->child; before != member; before = before->next)
        if (strcmp(before->string, member->string) == 0)
            return error_set(err, STATUS_INVALID, "comes twice");
    return set_value(config, option, member, options, err);
}

static enum status set_all(struct config *config, struct options *options, struct error *err)
{
    const char *end = NULL;
    size_t number = 0;

    if (memchr(config->text, '\0', config->size) != NULL ||
        strstr(config->text, "\\u0000") != NULL) /* it would end a string */
        return error_set(err, STATUS_INVALID, "contains a NUL character");
    config->root = cJSON_ParseWithOpts(config->text, &end, true);
    if (config->root == NULL)
        return error_set(err, STATUS_INVALID, "line %zu: this is no JSON: %.20s",
                         line_of(config, end), end == NULL ? "" : end);
    if (!cJSON_IsObject(config->root))
        return error_set(err, STATUS_INVALID, "line 1: wants one object: { \"interval\": \"1s\" }");
    for (const cJSON *member = config->root->child; member != NULL; member = member->next) {
        if (set_member(config, member, options, err) != STATUS_OK)
            return error_prefix(err, "line %zu: \"%.60s\"", line_of_key(config, number),
                                member->string);
        number++;
    }
    return STATUS_OK;
}

enum status config_parse(struct config **config, const char *text, size_t size,
                         struct options *options, struct error *err)
{
    struct config *c = *config = calloc(1, sizeof *c);

    if (size > CONFIG_BYTES_MAX)
        (void)error_set(err, STATUS_INVALID, "longer than %d bytes", CONFIG_BYTES_MAX);
    else if (c == NULL || (c->text = malloc(size + 1)) == NULL)
        (void)error_set(err, STATUS_NO_MEMORY, "configuration");
    if (c == NULL || c->text == NULL) {
        config_release(c);
        *config = NULL;
        return err->status;
    }
    memcpy(c->text, text, size);
    c->text[size] = '\0';
    c->size = size;
    if (set_all(c, options, err) == STATUS_OK)
        return STATUS_OK;
    config_release(c);
    *config = NULL;
    return err->status;
}

enum status config_read(struct config **config, const char *path, struct options *options,
                        struct error *err)
{
    char *text = NULL;
    size_t size = 0;
    enum status st = read_text(path, &text, &size, err);

    *config = NULL;
    if (st == STATUS_OK)
        st = config_parse(config, text, size, options, err);
    free(text);
    return st == STATUS_OK ? st : error_prefix(err, "%s", path);
}

/* --- printing --- */

/* So that it is read back exactly. */
static void span_text(char *text, size_t size, int64_t span_ns)
{
    int64_t rest = span_ns % 1000000000;

    if (rest == 0)
        (void)snprintf(text, size, "%llds", (long long)(span_ns / 1000000000));
    else if (rest % 1000000 == 0)
        (void)snprintf(text, size, "%lldms", (long long)(span_ns / 1000000));
    else
        (void)snprintf(text, size, "%lld.%09llds", (long long)(span_ns / 1000000000),
                       (long long)rest);
}

static bool add_span(cJSON *to, const char *name, int64_t span_ns)
{
    char text[48];

    span_text(text, sizeof text, span_ns);
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

/* 0: none, or never */
static bool add_limit(cJSON *to, const char *name, int64_t span_ns)
{
    return span_ns == 0 ? cJSON_AddStringToObject(to, name, "0") != NULL
                        : add_span(to, name, span_ns);
}

static bool add_share(cJSON *to, const char *name, int64_t ppm)
{
    char text[32];

    if (ppm == 0)
        return cJSON_AddStringToObject(to, name, "none") != NULL;
    (void)snprintf(text, sizeof text, "%lld.%04lld%%", (long long)(ppm / 10000),
                   (long long)(ppm % 10000));
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

static bool add_bytes(cJSON *to, const char *name, int64_t bytes)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lld", (long long)bytes);
    return cJSON_AddStringToObject(to, name, text) != NULL;
}

static bool add_text(cJSON *to, const char *name, const char *text)
{
    return (text == NULL ? cJSON_AddNullToObject(to, name)
                         : cJSON_AddStringToObject(to, name, text)) != NULL;
}

static bool add_all(cJSON *to, const struct options *options)
{
    cJSON *redact =
        cJSON_CreateStringArray((const char *const *)options->redact, (int)options->redact_count);

    if (redact == NULL || !cJSON_AddItemToObject(to, "redact", redact)) {
        cJSON_Delete(redact);
        return false;
    }
    return add_text(to, "output", options->output) &&
           add_span(to, "interval", options->interval_ns) &&
           (options->duration_ns == 0 ? add_text(to, "duration", NULL)
                                      : add_span(to, "duration", options->duration_ns)) &&
           add_text(to, "collectors", options->collectors) &&
           add_text(to, "process-source", options->process_source) &&
           add_text(to, "resident", options->resident) && add_limit(to, "sync", options->sync_ns) &&
           add_limit(to, "keep", options->keep_ns) &&
           add_limit(to, "keep-rollups", options->keep_rollups_ns) &&
           add_bytes(to, "max-size", options->max_bytes) &&
           add_share(to, "budget", options->budget_ppm) &&
           add_text(to, "control", options->control) &&
           add_text(to, "control-group", options->control_group) &&
           cJSON_AddBoolToObject(to, "no-cmdline", options->no_cmdline) != NULL &&
           add_text(to, "user", options->user) &&
           cJSON_AddBoolToObject(to, "no-sandbox", options->no_sandbox) != NULL;
}

enum status config_text(const struct options *options, char **text, struct error *err)
{
    cJSON *root = cJSON_CreateObject();

    *text = root != NULL && add_all(root, options) ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    return *text == NULL ? error_set(err, STATUS_NO_MEMORY, "configuration") : STATUS_OK;
}

enum status config_print(const struct options *options, FILE *out, struct error *err)
{
    char *text;
    enum status st = config_text(options, &text, err);

    if (st == STATUS_OK && (fprintf(out, "%s\n", text) < 0 || fflush(out) != 0))
        st = error_set(err, STATUS_IO, "%s", strerror(errno));
    free(text);
    return st;
}
