/* A directory with one small time zone file, for the tests of zones and of times. */
#ifndef TESTS_ZONE_FIXTURE_H
#define TESTS_ZONE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define BERLIN_RULE "CET-1CEST,M3.5.0,M10.5.0/3"

/* A version 2 zone file: one type (CET), no changes, and a rule. */
static inline size_t make_zone_file(uint8_t *data, const char *rule)
{
    static const uint8_t header[44] = { 'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4 };
    static const uint8_t type[10] = { 0, 0, 0x0e, 0x10, 0, 0, 'C', 'E', 'T', 0 };
    size_t size = 0;

    for (int block = 0; block < 2; block++) {
        memcpy(data + size, header, sizeof header);
        memcpy(data + size + sizeof header, type, sizeof type);
        size += sizeof header + sizeof type;
    }
    return size + (size_t)sprintf((char *)data + size, "\n%s\n", rule);
}

static char directory[] = "/tmp/zone_fixture_XXXXXX";
static char zone_path[128];

static inline void write_zone(const uint8_t *data, size_t size)
{
    FILE *file = fopen(zone_path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline int make_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(zone_path, sizeof zone_path, "%s/Berlin", directory);
    return 0;
}

static inline int remove_directory(void **state)
{
    (void)state;
    (void)unlink(zone_path);
    return rmdir(directory);
}

#endif
