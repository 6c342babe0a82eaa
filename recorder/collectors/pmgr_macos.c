/*
 *   source  AppleARMIODevice "pmgr": "voltage-statesN-sram" of CPUs, "voltage-states9" of the GPU;
 *           "acc-clusters" says which table a cluster has, where it is there (not on M1)
 *   units   Hz, or kHz: frequency_table.h
 *
 * "voltage-statesN" of CPUs without "-sram" holds periods, and is not read.
 */
#include "recorder/collectors/pmgr_macos.h"

#include <stdio.h>
#include <string.h>

#include "recorder/collectors/ioregistry_macos.h"

static void parse(io_registry_entry_t entry, const char *key, struct frequency_table *table)
{
    CFTypeRef data = ioregistry_copy(entry, key, CFDataGetTypeID());

    if (data == NULL)
        return;
    frequency_table_parse(CFDataGetBytePtr(data), (size_t)CFDataGetLength(data), table);
    CFRelease(data);
}

static void begin(void *self)
{
    *(struct pmgr *)self = (struct pmgr){ .cluster_count = 0 };
}

static void see(void *self, io_registry_entry_t entry)
{
    struct pmgr *pmgr = self;
    io_name_t name = "";
    CFTypeRef clusters;

    if (IORegistryEntryGetName(entry, name) != KERN_SUCCESS || strcmp(name, "pmgr") != 0)
        return;
    clusters = ioregistry_copy(entry, "acc-clusters", CFDataGetTypeID());
    if (clusters != NULL) {
        pmgr->cluster_count = frequency_clusters_parse(
            CFDataGetBytePtr(clusters), (size_t)CFDataGetLength(clusters), pmgr->cluster);
        CFRelease(clusters);
    }
    for (int i = 0; i < PMGR_TABLES_MAX; i++) {
        char key[40];

        (void)snprintf(key, sizeof key, "voltage-states%d-sram", i);
        parse(entry, key, &pmgr->table[i]);
    }
    parse(entry, "voltage-states9", &pmgr->gpu);
}

void pmgr_read(struct pmgr *pmgr)
{
    const struct ioregistry_visitor visitor = { begin, see, pmgr };
    struct error err;

    begin(pmgr);
    (void)!ioregistry_services("AppleARMIODevice", &visitor, &err);
}

/* The tiers that the chip's clusters have, ascending. */
static size_t distinct_tiers(const struct pmgr *pmgr, uint8_t tier[CLUSTERS_MAX])
{
    size_t count = 0;

    for (unsigned value = 0; value <= UINT8_MAX; value++)
        for (size_t i = 0; i < pmgr->cluster_count; i++)
            if (pmgr->cluster[i].tier == value) {
                tier[count++] = (uint8_t)value;
                break;
            }
    return count;
}

/* By the numbers that M1 to M5 have. */
static int usual_number(char tier)
{
    enum { TABLE_E = 1, TABLE_P = 5, TABLE_M = 22 };

    return tier == 'E' ? TABLE_E : tier == 'P' ? TABLE_P : TABLE_M;
}

const struct frequency_table *pmgr_table(const struct pmgr *pmgr, const char *tiers, char tier,
                                         int cluster)
{
    static const struct frequency_table none;
    const char *place = strchr(tiers, tier);
    const struct frequency_cluster *first = NULL;
    uint8_t value[CLUSTERS_MAX];
    int number, alike = 0;

    if (place == NULL)
        return &none;
    number = usual_number(tier);
    if (pmgr->cluster_count > 0) {
        if (distinct_tiers(pmgr, value) != strlen(tiers))
            return &none;
        for (size_t i = 0; i < pmgr->cluster_count; i++) {
            if (pmgr->cluster[i].tier != value[place - tiers])
                continue;
            if (first == NULL || alike <= cluster)
                first = &pmgr->cluster[i];
            alike++;
        }
        if (first == NULL)
            return &none;
        number = first->table;
    }
    return number < PMGR_TABLES_MAX ? &pmgr->table[number] : &none;
}
