/* Pressure, disks, file systems, network, heat and power of a made-up host. */
#include "tools/generate_tables.h"

#define SECOND_NS INT64_C(1000000000)
#define MEBIBYTE (INT64_C(1) << 20)
#define GIBIBYTE (INT64_C(1) << 30)

static int64_t part(int64_t whole, int64_t ppm)
{
    return whole / 1000000 * ppm + whole % 1000000 * ppm / 1000000;
}

/* --- pressure --- */

enum { RESOURCE_CPU, RESOURCE_MEMORY, RESOURCE_IO, RESOURCE_IRQ };

static const struct made_name resources[] = {
    { "cpu", "cpu", -1 }, { "memory", "memory", -1 }, { "io", "io", -1 }, { "irq", "irq", -1 }
};
static const struct shape pressure_shapes[PRESSURE_METRIC_COUNT] = {
    [PRESSURE_SOME_US_TOTAL] = { MOVE_COUNT, 20, 3000 },
    [PRESSURE_FULL_US_TOTAL] = { MOVE_COUNT, 0, 20 },
    [PRESSURE_LOAD_1M_PPM] = { MOVE_ABSENT, MISSING_UNSUPPORTED, 0 },
    [PRESSURE_LOAD_5M_PPM] = { MOVE_ABSENT, MISSING_UNSUPPORTED, 0 },
    [PRESSURE_LOAD_15M_PPM] = { MOVE_ABSENT, MISSING_UNSUPPORTED, 0 },
    [PRESSURE_LEVEL] = { MOVE_ABSENT, MISSING_UNSUPPORTED, 0 },
};

static void derive_pressure(const struct making *making, int64_t v[])
{
    const struct strain *strain = making->strain;
    int64_t ppm = making->number == RESOURCE_CPU      ? strain->cpu_ppm
                  : making->number == RESOURCE_MEMORY ? strain->memory_ppm
                  : making->number == RESOURCE_IO     ? strain->io_ppm
                                                      : 0;
    int64_t most_us = making->dt_ns / 1000;

    v[PRESSURE_SOME_US_TOTAL] += part(most_us, ppm);
    v[PRESSURE_FULL_US_TOTAL] += part(most_us, ppm / 3);
    if (making->number == RESOURCE_CPU)
        v[PRESSURE_FULL_US_TOTAL] = 0; /* as of the whole host */
}

const struct made_table made_pressure = {
    .table = TABLE_PRESSURE,
    .kind = ENTITY_RESOURCE,
    .names = resources,
    .count = COUNT_OF(resources),
    .shapes = pressure_shapes,
    .derive = derive_pressure,
};

/* --- disks --- */

static const struct made_name disks[] = { { "8:0", "sda", -1 },
                                          { "259:0", "nvme0n1", -1 },
                                          { "8:16", "sdb", -1 } };
static const struct shape disk_shapes[DISK_METRIC_COUNT] = {
    [DISK_READ_BYTES_TOTAL] = { MOVE_LATER, 0, 0 },
    [DISK_WRITTEN_BYTES_TOTAL] = { MOVE_LATER, 0, 0 },
    [DISK_READS_TOTAL] = { MOVE_COUNT, 0, 40 },
    [DISK_WRITES_TOTAL] = { MOVE_COUNT, 0, 120 },
    [DISK_READ_NS_TOTAL] = { MOVE_LATER, 0, 0 },
    [DISK_WRITE_NS_TOTAL] = { MOVE_LATER, 0, 0 },
    [DISK_BUSY_NS_TOTAL] = { MOVE_LATER, 0, 0 },
    [DISK_QUEUED_NS_TOTAL] = { MOVE_LATER, 0, 0 },
    [DISK_IN_FLIGHT] = { MOVE_WALK, 0, 3 },
    [DISK_DISCARDED_BYTES_TOTAL] = { MOVE_RARE, 900, 0 },
    [DISK_DISCARDS_TOTAL] = { MOVE_RARE, 900, 0 },
    [DISK_FLUSHES_TOTAL] = { MOVE_COUNT, 0, 4 },
    [DISK_FLUSH_NS_TOTAL] = { MOVE_COUNT, 0, 900 },
    [DISK_ERRORS_TOTAL] = { MOVE_ABSENT, MISSING_UNSUPPORTED, 0 },
    [DISK_SIZE_BYTES] = { MOVE_FIXED, 500 * GIBIBYTE, 0 },
};

/*
 * Requests of 16 KiB that take 0.2 ms, and what is written besides, in larger ones; of the first disk more
 * under strain. Times are in microseconds.
 */
static void derive_disk(const struct making *making, int64_t v[])
{
    const struct strain none = { 0 }, *strain = making->number == 0 ? making->strain : &none;
    int64_t slower = strain->slower > 0 ? strain->slower : 1;
    int64_t most_us = making->dt_ns / 1000, busy_us;
    int64_t much = part(most_us, strain->written_bytes) / 512 * 512;
    int64_t reads = v[DISK_READS_TOTAL] - making->before[DISK_READS_TOTAL];
    int64_t writes = v[DISK_WRITES_TOTAL] - making->before[DISK_WRITES_TOTAL];

    v[DISK_READ_BYTES_TOTAL] += reads * 16384;
    v[DISK_WRITTEN_BYTES_TOTAL] += writes * 16384 + much;
    writes += much / (128 * 1024);
    v[DISK_WRITES_TOTAL] = making->before[DISK_WRITES_TOTAL] + writes;
    v[DISK_READ_NS_TOTAL] += reads * 200 * slower;
    v[DISK_WRITE_NS_TOTAL] += writes * 200 * slower;
    v[DISK_QUEUED_NS_TOTAL] += (reads + writes) * 220 * slower;
    busy_us = much > 0 ? most_us / 100 * 97 : (reads + writes) * 150 * slower;
    v[DISK_BUSY_NS_TOTAL] += busy_us < most_us ? busy_us : most_us;
    if (slower > 1)
        v[DISK_IN_FLIGHT] = 12 + slower;
}

const struct made_table made_disk = {
    .table = TABLE_DISK,
    .kind = ENTITY_DISK,
    .names = disks,
    .count = COUNT_OF(disks),
    .shapes = disk_shapes,
    .derive = derive_disk,
};

/* --- file systems --- */

static const struct made_name mounts[] = { { "/", "ext4 /dev/sda1", -1 },
                                           { "/srv", "xfs /dev/nvme0n1p1", -1 },
                                           { "/mnt/a \"b\",\n\xff", "nfs made-up:/export", -1 } };
static const struct shape filesystem_shapes[FILESYSTEM_METRIC_COUNT] = {
    [FILESYSTEM_TOTAL_BYTES] = { MOVE_FIXED, 480 * GIBIBYTE, 0 },
    [FILESYSTEM_FREE_BYTES] = { MOVE_LATER, 0, 0 },
    [FILESYSTEM_AVAILABLE_BYTES] = { MOVE_WALK, 100 * GIBIBYTE, 140 * GIBIBYTE },
    [FILESYSTEM_FILES] = { MOVE_FIXED, 31000000, 0 },
    [FILESYSTEM_FILES_FREE] = { MOVE_WALK, 28000000, 29000000 },
    [FILESYSTEM_ACCESS] = { MOVE_LATER, 0, 0 },
};

static void derive_filesystem(const struct making *making, int64_t v[])
{
    v[FILESYSTEM_FREE_BYTES] = v[FILESYSTEM_AVAILABLE_BYTES] + 24 * GIBIBYTE;
    v[FILESYSTEM_ACCESS] = making->number == 2 ? 2 : 1;
}

const struct made_table made_filesystem = {
    .table = TABLE_FILESYSTEM,
    .kind = ENTITY_FILESYSTEM,
    .every_ns = 10 * SECOND_NS,
    .names = mounts,
    .count = COUNT_OF(mounts),
    .shapes = filesystem_shapes,
    .derive = derive_filesystem,
};

/* --- network --- */

static const struct made_name interfaces[] = { { "eth0", "eth0", -1 },
                                               { "lo", "lo", -1 },
                                               { "wlan0", "wlan0", -1 } };
static const struct shape network_shapes[NETWORK_METRIC_COUNT] = {
    [NETWORK_RECEIVED_BYTES_TOTAL] = { MOVE_LATER, 0, 0 },
    [NETWORK_SENT_BYTES_TOTAL] = { MOVE_LATER, 0, 0 },
    [NETWORK_RECEIVED_PACKETS_TOTAL] = { MOVE_COUNT, 0, 900 },
    [NETWORK_SENT_PACKETS_TOTAL] = { MOVE_COUNT, 0, 700 },
    [NETWORK_RECEIVED_ERRORS_TOTAL] = { MOVE_RARE, 100, 0 },
    [NETWORK_SENT_ERRORS_TOTAL] = { MOVE_FIXED, 0, 0 },
    [NETWORK_RECEIVED_DROPPED_TOTAL] = { MOVE_RARE, 2000, 0 },
    [NETWORK_SENT_DROPPED_TOTAL] = { MOVE_FIXED, 0, 0 },
    [NETWORK_MULTICAST_TOTAL] = { MOVE_COUNT, 0, 2 },
    [NETWORK_COLLISIONS_TOTAL] = { MOVE_FIXED, 0, 0 },
    [NETWORK_LINK] = { MOVE_FIXED, 6, 0 },
    [NETWORK_SPEED_BITS_PER_SECOND] = { MOVE_FIXED, INT64_C(1000000000), 0 },
};

static void derive_network(const struct making *making, int64_t v[])
{
    int64_t packets =
        v[NETWORK_RECEIVED_PACKETS_TOTAL] - making->before[NETWORK_RECEIVED_PACKETS_TOTAL];
    int64_t flood =
        making->number != 0 ? 0 : part(making->dt_ns / 1000, making->strain->received_bytes);

    v[NETWORK_RECEIVED_BYTES_TOTAL] += packets * 60 + flood;
    v[NETWORK_RECEIVED_PACKETS_TOTAL] += flood / 900;
    v[NETWORK_RECEIVED_DROPPED_TOTAL] += flood / 90000;
    v[NETWORK_SENT_BYTES_TOTAL] +=
        (v[NETWORK_SENT_PACKETS_TOTAL] - making->before[NETWORK_SENT_PACKETS_TOTAL]) * 710;
}

const struct made_table made_network = {
    .table = TABLE_NETWORK,
    .kind = ENTITY_INTERFACE,
    .names = interfaces,
    .count = COUNT_OF(interfaces),
    .shapes = network_shapes,
    .derive = derive_network,
};

/* --- heat --- */

enum { SENSOR_PACKAGE, SENSOR_FAN, SENSOR_CORE };

static const struct made_name sensors[] = { { "hwmon/coretemp/temp1", "Package id 0", -1 },
                                            { "hwmon/nct6775/fan1", "nct6775 fan1", -1 },
                                            { "core/0/0", "core 0", -1 } };
static const struct shape thermal_shapes[THERMAL_METRIC_COUNT] = {
    [THERMAL_TEMPERATURE_MILLICELSIUS] = { MOVE_WALK, 38000, 71000 },
    [THERMAL_CRITICAL_MILLICELSIUS] = { MOVE_FIXED, 100000, 0 },
    [THERMAL_FAN_RPM] = { MOVE_WALK, 900, 2400 },
    [THERMAL_THROTTLES_TOTAL] = { MOVE_RARE, 3000, 0 },
    [THERMAL_THROTTLED_NS_TOTAL] = { MOVE_LATER, 0, 0 },
};

static void derive_thermal(const struct making *making, int64_t v[])
{
    int64_t times = v[THERMAL_THROTTLES_TOTAL] - making->before[THERMAL_THROTTLES_TOTAL];

    v[THERMAL_THROTTLED_NS_TOTAL] += times > 0 ? times * 1200 : 0;
}

const struct made_table made_thermal = {
    .table = TABLE_THERMAL,
    .kind = ENTITY_SENSOR,
    .every_ns = 10 * SECOND_NS,
    .names = sensors,
    .count = COUNT_OF(sensors),
    .shapes = thermal_shapes,
    .derive = derive_thermal,
};

/* --- power, where packages are not made up by themselves --- */

static const struct made_name rails[] = { { "rapl/package-0", "package-0", -1 },
                                          { "rapl/package-0/core", "core", 0 },
                                          { "battery/BAT0", "BAT0", -1 } };
static const struct shape power_shapes[POWER_METRIC_COUNT] = {
    [POWER_ENERGY_UJ_TOTAL] = { MOVE_LATER, 0, 0 },
    [POWER_MW] = { MOVE_WALK, 6000, 42000 },
    [POWER_LIMIT_MW] = { MOVE_FIXED, 45000, 0 },
    [POWER_VOLTAGE_MV] = { MOVE_WALK, 11900, 12300 },
    [POWER_CURRENT_MA] = { MOVE_WALK, -1500, 3000 },
    [POWER_CHARGE_PPM] = { MOVE_WALK, 600000, 990000 },
};

static void derive_power(const struct making *making, int64_t v[])
{
    v[POWER_ENERGY_UJ_TOTAL] += making->dt_ns / 1000000 * v[POWER_MW];
}

const struct made_table made_power = {
    .table = TABLE_POWER,
    .kind = ENTITY_RAIL,
    .every_ns = 10 * SECOND_NS,
    .names = rails,
    .count = COUNT_OF(rails),
    .shapes = power_shapes,
    .derive = derive_power,
};
