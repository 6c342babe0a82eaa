/* The list of collectors, as a table and as JSON. */
#include "recorder/list_collectors.h"

#include <cjson/cJSON.h>

static void print_table(const struct collect *collect, FILE *out)
{
    fprintf(out, "%-10s %-14s %s\n", "COLLECTOR", "STATUS", "RECORDS");
    for (size_t i = 0; i < collect->count; i++) {
        const struct collect_entry *entry = &collect->entries[i];

        fprintf(out, "%-10s %-14s %s\n", entry->collector->name,
                capability_name(entry->capability.status), entry->collector->description);
        if (entry->capability.reason[0] != '\0')
            fprintf(out, "%-10s %-14s why: %s\n", "", "", entry->capability.reason);
        if (entry->capability.enable[0] != '\0')
            fprintf(out, "%-10s %-14s to enable: %s\n", "", "", entry->capability.enable);
    }
}

static bool add_entry(cJSON *array, const struct collect_entry *entry)
{
    const struct collector *collector = entry->collector;
    cJSON *object = cJSON_CreateObject();

    if (object == NULL || !cJSON_AddItemToArray(array, object)) {
        cJSON_Delete(object);
        return false;
    }
    return cJSON_AddStringToObject(object, "name", collector->name) != NULL &&
           cJSON_AddStringToObject(object, "description", collector->description) != NULL &&
           cJSON_AddStringToObject(object, "table", samples_tables[collector->table].name) !=
               NULL &&
           cJSON_AddNumberToObject(object, "every_ticks", (double)entry->divisor) != NULL &&
           cJSON_AddStringToObject(object, "status", capability_name(entry->capability.status)) !=
               NULL &&
           cJSON_AddStringToObject(object, "reason", entry->capability.reason) != NULL &&
           cJSON_AddStringToObject(object, "enable", entry->capability.enable) != NULL;
}

static enum status print_json(const struct collect *collect, FILE *out, struct error *err)
{
    cJSON *array = cJSON_CreateArray();
    bool complete = array != NULL;
    char *text = NULL;

    for (size_t i = 0; complete && i < collect->count; i++)
        complete = add_entry(array, &collect->entries[i]);
    if (complete)
        text = cJSON_Print(array);
    if (text != NULL)
        fprintf(out, "%s\n", text);
    cJSON_Delete(array);
    if (text == NULL)
        return error_set(err, STATUS_NO_MEMORY, "list of collectors");
    cJSON_free(text);
    return STATUS_OK;
}

enum status list_collectors(const struct collect *collect, bool json, FILE *out, struct error *err)
{
    enum status st = STATUS_OK;

    if (json)
        st = print_json(collect, out, err);
    else
        print_table(collect, out);
    if (st == STATUS_OK && (fflush(out) != 0 || ferror(out)))
        return error_set(err, STATUS_IO, "cannot write the list");
    return st;
}
