"""The tail of a recording, read with nothing but the knowledge of schema/FORMAT.md, section 16 (see
read_format.py)."""
from types import SimpleNamespace as Record

from read_format_block import (BORN, ENDED, PROCESS, TEXTS, VERSION, Cursor, Damage, crc32c,
                               decompress, hide_not_read, unzigzag, wrap)


def read_codes(c, count):
    codes = []
    while len(codes) < count:
        reason = c.u8()
        codes += [reason] * c.varint()
    return codes


def tail_series(state, keys, flags, values, codes):
    state.series.append(Record(keys=keys, flags=flags, first=max(len(state.times) - 1, 0),
                               values=values, codes=codes, masks=[], samples=[], columns={},
                               open=True))


def read_tail_base(c, tables):
    """The state that the open block begins with, for each table."""
    near = c.time(0) or 0
    for table in tables[:c.varint()]:
        count = c.varint()
        state = Record(table=table, metric_count=count, times=[], series=[], covered=[])
        c.varints(count)  # last read
        for _ in range(c.varint()):
            keys = [c.zigzag(), c.zigzag()]
            c.time(near)
            codes, values = read_codes(c, count), []
            for code in codes:
                values.append(c.zigzag())
                c.varints(code != 0)
            tail_series(state, keys, 0, values, codes)
        yield state


def read_endings(c, state):
    """Flags 0 take back the sample of this tick, should the series have got one."""
    number = 0
    while (word := c.varint()):
        number += unzigzag(word - 1)
        series, flags = state.series[number], c.u8()
        if not flags and series.first + len(series.samples) == len(state.times):
            series.samples.pop()
            series.masks.pop()
        series.flags, series.open = series.flags | flags, False
        c.varints(flags == ENDED)


def read_tail_table(c, state, start):
    """One table of a tick record."""
    state.times.append(start)
    mask, number = c.varint(), 0
    read_endings(c, state)
    for _ in range(c.varint()):
        flags, keys = c.u8(), [c.zigzag(), c.zigzag()]
        c.varints(bool(flags & BORN))
        codes = read_codes(c, state.metric_count)
        values = [0 if flags & BORN else c.zigzag() for _ in codes]
        tail_series(state, keys, flags, values, codes)
    for _ in range(c.varint()):
        number += c.zigzag()
        series, word = state.series[number], c.varint()
        while word >> 63 and (m := c.varint()):
            series.codes[m - 1] = c.u8()
        for m in range(63):
            if word >> m & 1:
                series.values[m] = wrap(series.values[m] + c.zigzag())
    for series in state.series:
        if series.open:
            series.masks.append(mask)
            series.samples.append(list(zip(series.values, series.codes)))
    read_endings(c, state)


def read_births(c, session_id, tick):
    for _ in range(c.varint()):
        process_id, pid, ppid = c.varint(), c.zigzag(), c.zigzag()
        start_ticks, start_ns, flags = c.varint(), c.time(tick), c.varint() & 3
        fields = [session_id, pid, ppid, start_ticks, start_ns, None, -1, 0, flags]
        yield Record(process_id=process_id, versions=[], **dict(zip(PROCESS, fields)))


def read_version(c, process, tick):
    """Adds what changed to what the process was called before, or completes it."""
    from_ns, uid, length, hashed = c.time(tick), c.varint(), c.varint(), wrap(c.varint())
    fields = [from_ns, uid - 1 if uid else None, length, hashed, *(c.text() for _ in TEXTS)]
    update = dict(zip(VERSION, fields))
    earlier = [version for version in process.versions if version.from_ns <= from_ns]
    before = vars(earlier[-1]) if earlier else dict.fromkeys(VERSION)
    if update["cmdline"] is None and earlier:
        update.update(cmdline_length=None, cmdline_hash=None)
    merged = Record(**{name: before[name] if value is None else value
                       for name, value in update.items()})
    if before["from_ns"] == from_ns:
        process.versions[len(earlier) - 1] = merged
    elif earlier == process.versions:
        process.versions.append(merged)


def read_tick(c, states, session_id, processes):
    if c.u8() != 1:
        raise Damage("not a tick record")
    tick, _, _ = c.zigzag(), c.zigzag(), c.u8()
    for process in read_births(c, session_id, tick):
        processes.setdefault(process.process_id, process)
    for _ in range(c.varint()):
        read_version(c, processes[c.varint()], tick)
    while (number := c.u8()):
        read_tail_table(c, states[number - 1], tick)
    for _ in range(c.varint()):
        process = processes[c.varint()]
        process.how, process.exit_code, process.end_ns = c.u8(), c.zigzag(), c.time(tick)
    c.end()


def tail_frames(rows):
    chain = 0
    for number, (tail_id, data) in enumerate(rows):
        c = Cursor(data)
        crc, before = c.u32(), c.u32()
        found = crc32c(tail_id.to_bytes(8, "little") + data[4:])
        if before != chain or tail_id % 2**20 != number or found != crc:
            raise Damage("tail record %d" % tail_id)
        chain = crc
        yield data[8:]


def read_tail(rows, tables, processes):
    """The table blocks of the open block; adds its processes."""
    records = [Cursor(record) for record in decompress(list(tail_frames(rows)))]
    if not records:
        return []
    _, session_id, _, _ = records[0].varints(4)
    states = list(read_tail_base(records[0], tables))
    for record in records[1:]:
        read_tick(record, states, session_id, processes)
    for state in states:
        state.series = [series for series in state.series if series.samples]
        for series in state.series:
            series.count, series.keys = len(series.samples), series.keys[:state.table.key_count]
            for p in range(state.metric_count):
                values, codes = zip(*(sample[p] for sample in series.samples))
                series.columns[8 * p + 8] = (None, values, list(codes))
            hide_not_read(series)
    return states
