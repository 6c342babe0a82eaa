// The recording's figures: what each bucket of time has, and what any run of buckets comes to. The definitions are
// those of `procscope report`; a run begins and ends where buckets do.

const facts = JSON.parse(document.getElementById("facts").textContent);

const FLAG = { cpu: 1, read: 2, written: 4, rss: 8, gpu: 16, there: 32 };
const FIGURES = ["flags", "cpu", "uncovered", "cpuMax", "read", "written", "rssMax", "rssBelow", "rssWeight", "gpu",
                 "gpuTime"];
const BELOW_PARTS = 64;

// Buckets: when they end, in ns since `from`, and what the host did in each.
const buckets = (() => {
    const cursor = { at: facts.buckets_at }, count = facts.buckets;
    const longer = packed.read(cursor, count), end = new Float64Array(count);
    let at = 0;
    for (let i = 0; i < count; i++)
        end[i] = at += facts.step_ns + longer[i];
    const names = ["covered", "processes", "busy", "idle", "stolen", "elapsed", "cpuacct", "cpuacctTime", "ticks",
                   "since", "allMin", "allMax"];
    const host = {};
    for (const name of names)
        host[name] = packed.read(cursor, count);
    const from = BigInt(facts.charted_from_ns);
    const begin = (i) => i === 0 ? 0 : end[i - 1];
    return {
        count, end, host, begin,
        fromNs: (i) => from + BigInt(begin(i)),
        endNs: (i) => from + BigInt(end[i]),
        // The bucket that a time, in ns since `from`, lies in.
        at(ns) {
            let low = 0, high = count - 1;
            while (low < high) {
                const middle = (low + high) >> 1;
                if (end[middle] < ns)
                    low = middle + 1;
                else
                    high = middle;
            }
            return low;
        },
        since: (ns) => Number(ns - from),
    };
})();

const sum = (column, from, to) => {
    let all = 0;
    for (let i = from; i < to; i++)
        all += column[i];
    return all;
};

// A value stands for the time since the one before. Where that reaches over buckets without one they have it, too;
// time[b] is what the value of bucket b stands for, in ns, and what is not known is NaN.
const spread = (values, time) => {
    for (let b = 1; b < buckets.count; b++) {
        if (Number.isNaN(values[b]) || time[b] <= 0)
            continue;
        const since = buckets.end[b] - buckets.host.since[b] - time[b];
        for (let e = b - 1; e >= 0 && Number.isNaN(values[e]); e--) {
            if ((buckets.begin(e) + buckets.end[e]) / 2 < since)
                break;
            values[e] = values[b];
        }
    }
    return values;
};

// Rows of the table: those of the report, then processes without one by comm.
//
// Their columns have a value for each step of the table, which is facts.fold buckets.
const steps = (() => {
    const count = Math.ceil(buckets.count / facts.fold), covered = new Float64Array(count);
    buckets.host.covered.forEach((ns, b) => { covered[Math.floor(b / facts.fold)] += ns; });
    return { count, covered, of: (bucket) => Math.floor(bucket / facts.fold),
             before: (bucket) => Math.ceil(bucket / facts.fold) };
})();

const rows = (() => {
    const place = Object.fromEntries(facts.columns.map((column, i) => [column.name, i]));
    const list = facts.packed.map(([at, first, count, cpuAt, gpuAt], i) => ({
        at, first, count, cpuAt, gpuAt, cells: facts.report.rows[i], key: "p" + facts.report.rows[i][place.process_id],
    }));
    const row = (comm, i) => {
        const cells = facts.columns.map(() => null);
        cells[place.comm] = (comm.comm ?? "[other names]") + " (" + human.count(comm.processes) + " processes)";
        cells[place.cpu_seconds] = comm.cpu_ns / 1e9;
        cells[place.disk_read_bytes] = comm.read;
        cells[place.disk_written_bytes] = comm.written;
        return { at: comm.at, first: comm.first, count: comm.count, cells, comm: true, key: "c" + i };
    };
    const comms = facts.comms.map(row);
    const extras = facts.report.rows.slice(facts.packed.length);
    return { place, processes: list, comms, extras };
})();

// The columns of a row, over all buckets or into what is there already.
const scratch = FIGURES.map(() => new Float64Array(steps.count));
const columnsOf = (row, into = scratch) => {
    const cursor = { at: row.at }, columns = {};
    FIGURES.forEach((name, i) => { columns[name] = packed.read(cursor, row.count, into[i]); });
    return columns;
};

// What a row comes to in the buckets from..to-1, as cells of the report; null: it was not there.
const cellsOf = (row, from, to) => {
    const c = columnsOf(row), place = rows.place;
    const total = { flags: 0, cpu: 0, covered: 0, cpuMax: 0, read: 0, written: 0, rssMax: -Infinity, rss: 0,
                    weight: 0, gpu: 0, gpuTime: 0 };
    const end = Math.min(steps.before(to), row.first + row.count);
    for (let step = Math.max(steps.of(from), row.first); step < end; step++) {
        const i = step - row.first;
        if (c.flags[i] === 0)
            continue;
        const covered = steps.covered[step] - c.uncovered[i], weight = covered + c.rssWeight[i];
        total.flags |= c.flags[i];
        total.cpu += c.cpu[i];
        total.read += c.read[i];
        total.written += c.written[i];
        total.gpu += c.gpu[i];
        total.gpuTime += c.gpuTime[i];
        if (row.comm)
            continue;
        if (c.flags[i] & FLAG.there)
            total.covered += covered;
        total.cpuMax = Math.max(total.cpuMax, c.cpuMax[i]);
        if (!(c.flags[i] & FLAG.rss))
            continue;
        total.rssMax = Math.max(total.rssMax, c.rssMax[i]);
        total.rss += (c.rssMax[i] - c.rssBelow[i] / BELOW_PARTS) * weight;
        total.weight += weight;
    }
    if (total.flags === 0)
        return null;
    const cells = row.cells.slice();
    const set = (name, known, value) => {
        if (place[name] !== undefined)
            cells[place[name]] = known ? value : null;
    };
    const has = (flag) => (total.flags & flag) !== 0;
    const cpuNs = total.cpu * facts.cpu_scale;
    set("cpu_seconds", has(FLAG.cpu), cpuNs / 1e9);
    set("disk_read_bytes", has(FLAG.read), total.read);
    set("disk_written_bytes", has(FLAG.written), total.written);
    set("gpu_energy_joules", has(FLAG.gpu), total.gpu / 1e6);
    set("gpu_power_watts_mean", has(FLAG.gpu) && total.gpuTime > 0, total.gpu * 1000 / total.gpuTime);
    set("covered_seconds", !row.comm, total.covered / 1e9);
    set("cpu_percent_mean", !row.comm && total.covered > 0, cpuNs * 100 / total.covered);
    set("cpu_percent_max", !row.comm && has(FLAG.cpu), total.cpuMax * facts.cpu_scale / 1e7);
    set("resident_bytes_mean", total.weight > 0, total.rss / total.weight);
    set("resident_bytes_max", has(FLAG.rss), total.rssMax);
    for (const name of ["cpu_percent_p95", "threads_max", "run_delay_seconds", "major_faults"])
        set(name, false, null); // samples tell that, or other columns: not sums of buckets
    return cells;
};

// What the host did in those buckets: analyzer/host_total.c, once all blocks are in.
const hostOf = (from, to) => {
    const h = buckets.host, of = (name) => sum(h[name], from, to);
    const ticks = of("ticks"), elapsed = of("elapsed"), stolen = of("stolen");
    const exact = ticks > 0 && of("cpuacctTime") === ticks;
    const busy = exact ? of("cpuacct") : of("busy");
    const idle = exact ? Math.floor(elapsed / 1000) - busy - stolen : of("idle");
    return { known: elapsed > 0, exact, ticks, busyNs: busy * 1000, idleNs: idle * 1000, stolenNs: stolen * 1000,
             totalNs: (busy + idle + stolen) * 1000, processesNs: of("processes") * facts.cpu_scale };
};

// Energy of GPUs, and what of it was idle; null: there are none.
const gpus = facts.gpu_at < 0 ? null : (() => {
    const cursor = { at: facts.gpu_at };
    return { all: packed.read(cursor, buckets.count), idle: packed.read(cursor, buckets.count),
             time: packed.read(cursor, buckets.count), processes: packed.read(cursor, buckets.count) };
})();

// The rows below the table: others, not attributed, idle and total, of those buckets.
const extrasOf = (from, to, shown) => {
    const h = hostOf(from, to), place = rows.place;
    const cpuOf = (cells) => cells[place.cpu_seconds] ?? 0, gpuOf = (cells) => cells[place.gpu_energy_joules] ?? 0;
    const shownNs = Math.round(shown.reduce((all, cells) => all + cpuOf(cells), 0) * 1e9);
    const shownUj = Math.round(shown.reduce((all, cells) => all + gpuOf(cells), 0) * 1e6);
    const uj = gpus === null ? null : { all: sum(gpus.all, from, to), idle: sum(gpus.idle, from, to) };
    const processesUj = gpus === null ? 0 : sum(gpus.processes, from, to);
    const line = (name, label, ns, ujOf) => {
        const cells = facts.columns.map(() => null);
        cells[place.row] = name;
        cells[place.comm] = label;
        cells[place.cpu_seconds] = ns === null ? null : ns / 1e9;
        cells[place.cpu_percent_mean] = ns === null || h.ticks === 0 ? null : ns * 100 / h.ticks;
        if (uj !== null)
            cells[place.gpu_energy_joules] = ujOf / 1e6;
        return cells;
    };
    const basis = !h.known ? "none, cores are not recorded" : h.exact ? "cpuacct" : "ticks";
    const known = (ns) => h.known ? ns : null;
    const list = [
        line("others", "[others]", h.processesNs - shownNs, processesUj - shownUj),
        line("not_attributed", "[not attributed: basis " + basis + "]", known(h.busyNs - h.processesNs),
             uj === null ? 0 : uj.all - uj.idle - processesUj),
    ];
    if (h.stolenNs > 0)
        list.push(line("stolen", "[stolen]", known(h.stolenNs), 0));
    list.push(line("idle", "[idle]", known(h.idleNs), uj === null ? 0 : uj.idle));
    list.push(line("total", "[total: " + facts.cores + " cores]", known(h.totalNs), uj === null ? 0 : uj.all));
    return list;
};
