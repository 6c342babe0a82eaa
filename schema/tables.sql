-- The tables of a recording, but for the chunk tables, which are made one by one from the
-- catalog: NAME_chunk, NAME_chunk_60, NAME_chunk_3600 per samples table. Every row here ends in
-- `crc`, see FORMAT.md. Times are timeline nanoseconds unless a name says otherwise.

CREATE TABLE IF NOT EXISTS session(
    session_id INTEGER PRIMARY KEY, boot_id TEXT, host TEXT, os TEXT, release TEXT, machine TEXT,
    hardware TEXT, version TEXT, process_source TEXT, zone TEXT, zone_offset_s INTEGER,
    zone_next_change_ns INTEGER, zone_next_offset_s INTEGER, core_count INTEGER,
    page_bytes INTEGER, memory_bytes INTEGER, clock_ticks_per_second INTEGER, interval_ns INTEGER,
    pid INTEGER, wall_start_ns INTEGER, boot_start_ns INTEGER, end_ns INTEGER, end_reason TEXT,
    crc INTEGER);
CREATE TABLE IF NOT EXISTS timeline(
    timeline_id INTEGER PRIMARY KEY, session_id INTEGER, timeline_ns INTEGER, wall_ns INTEGER,
    crc INTEGER);
CREATE TABLE IF NOT EXISTS capability(
    capability_id INTEGER PRIMARY KEY, session_id INTEGER, collector TEXT, status TEXT,
    reason TEXT, enable TEXT, crc INTEGER);
CREATE TABLE IF NOT EXISTS samples_table(
    table_id INTEGER PRIMARY KEY, name TEXT, key0 TEXT, key1 TEXT, description TEXT, crc INTEGER);
CREATE TABLE IF NOT EXISTS metric(
    metric_id INTEGER PRIMARY KEY, table_id INTEGER, position INTEGER, name TEXT, kind TEXT,
    unit TEXT, scale INTEGER, labels TEXT, description TEXT, crc INTEGER);
CREATE TABLE IF NOT EXISTS metric_column(
    metric_column_id INTEGER PRIMARY KEY, table_id INTEGER, level TEXT, column_id INTEGER,
    position INTEGER, part TEXT, crc INTEGER);
CREATE TABLE IF NOT EXISTS entity(
    entity_id INTEGER PRIMARY KEY, kind TEXT, key TEXT, label TEXT, parent_id INTEGER,
    first_ns INTEGER, last_ns INTEGER, crc INTEGER);
CREATE TABLE IF NOT EXISTS process(
    process_id INTEGER PRIMARY KEY, session_id INTEGER, pid INTEGER, ppid INTEGER,
    start_ticks INTEGER, start_ns INTEGER, end_ns INTEGER, exit_code INTEGER, how INTEGER,
    flags INTEGER, version_count INTEGER, crc INTEGER);
CREATE TABLE IF NOT EXISTS process_version(
    version_id INTEGER PRIMARY KEY, from_ns INTEGER, uid INTEGER, comm TEXT, exe TEXT,
    cmdline TEXT, cwd TEXT, cgroup TEXT, container TEXT, user TEXT, cmdline_length INTEGER,
    cmdline_hash INTEGER, crc INTEGER);
CREATE TABLE IF NOT EXISTS event(
    event_id INTEGER PRIMARY KEY, session_id INTEGER, at_ns INTEGER, duration_ns INTEGER,
    value INTEGER, kind TEXT, detail TEXT, crc INTEGER);
CREATE TABLE IF NOT EXISTS block(
    block_id INTEGER PRIMARY KEY, level INTEGER, block_seq INTEGER, session_id INTEGER,
    first_tick INTEGER, tick_count INTEGER, previous_ns INTEGER, start_ns INTEGER, end_ns INTEGER,
    ticks BLOB, contents BLOB, crc INTEGER);
CREATE TABLE IF NOT EXISTS tail(tail_id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS process_lifetime_chunk(id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS string_chunk(id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS process_usage_chunk(id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS process_hour_chunk(id INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE IF NOT EXISTS table_check(
    name TEXT PRIMARY KEY, row_count INTEGER, crc_sum INTEGER, crc INTEGER) WITHOUT ROWID;
