"""What the simulated Mac's IOKit told, beside the scenario: for test_simulated_mac.py."""
import os
import sys

import support_programs as programs
from support_programs import check

sys.path.insert(0, os.path.join(programs.SOURCE, "tests", "darwin"))
import truth_registry as registry  # noqa: E402

DISK_NEVER = ["busy_ns_total", "queued_ns_total", "in_flight", "discarded_bytes_total", "discards_total",
              "flushes_total", "flush_ns_total"]


class Rows:
    """Rows that a worker read: at a tick, each has what was read at the tick before its own."""

    def __init__(self, mac, export, recording, table):
        self.mac = mac
        self.ticks = sorted({int(row["time_ns"]) - mac.wall_start for row in export(recording, "cpu_samples")})
        self.rows = export(recording, table, "--missing-reasons")
        self.wrong, self.compared = [], 0

    def read_at(self, row, period=1):
        """When the values were read: at the tick before, which was the one that it was asked at."""
        at = int(row["time_ns"]) - self.mac.wall_start
        return self.ticks[max(self.ticks.index(at) - period, 0)]

    def expect(self, row, column, expected, slack=0):
        """A number, or the reason for which it is missing."""
        self.compared += 1
        told = row[column + "__missing"] if row[column] == "" else int(row[column])
        same = told == expected if isinstance(told, str) or isinstance(expected, str) \
            else abs(told - expected) <= slack
        if not same:
            self.wrong.append((row["time"], column, told, expected))


def disk_name(driver, at):
    media = driver.children[0].value(at, "BSD Name") if driver.children else None
    product = driver.parent.value(at, "Device Characteristics", "Product Name") if driver.parent else None
    return "%s (%s)" % (media, product) if product else media


def check_disks(mac, recording, export):
    rows = Rows(mac, export, recording, "disk_samples")
    drivers = [entry for entry in registry.entries(mac) if entry.is_a("IOBlockStorageDriver")]
    counted = 0
    for row in rows.rows:
        at = rows.read_at(row)
        driver = [one for one in drivers if one.there(at) and disk_name(one, at) == row["disk"]]
        if not driver:
            rows.wrong.append((row["time"], row["disk"], "is not there"))
            continue
        counted += 1

        def told(*keys):
            return registry.number(mac, driver[0].item["properties"], at, "Statistics", *keys)
        for column, key in (("read_bytes_total", "Bytes (Read)"), ("written_bytes_total", "Bytes (Write)"),
                            ("reads_total", "Operations (Read)"), ("writes_total", "Operations (Write)")):
            rows.expect(row, column, told(key))
        for column, key in (("read_ns_total", "Total Time (Read)"), ("write_ns_total", "Total Time (Write)")):
            value = told(key)
            rows.expect(row, column, value if isinstance(value, str) else value // 1000 * 1000)
        errors = [told("Errors (Read)"), told("Errors (Write)")]
        rows.expect(row, "errors_total", next((one for one in errors if isinstance(one, str)), None) or sum(errors))
        rows.expect(row, "size_bytes", driver[0].children[0].value(at, "Size"))
        for column in DISK_NEVER:
            rows.expect(row, column, "unsupported")
    expected = sum(driver.there(at) for at in rows.ticks[:-1] for driver in drivers)
    check(counted == expected and not rows.wrong, "%d values of %d rows of disks, %d expected: %s" %
          (rows.compared, len(rows.rows), expected, rows.wrong[:3]))


def check_all(mac, recording, export):
    check_disks(mac, recording, export)
