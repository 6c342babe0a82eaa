// Which charts there are: CPU and GPU power by process, then those of the host.

const COLOURS = 8;

// Of the rows that have one by bucket: values of time that passed then, most first.
const stackOf = (at, column, valuesOf, textOf) => {
    const place = rows.place;
    const top = rows.processes.filter((row) => row[at] > 0)
        .sort((a, b) => b.cells[place[column]] - a.cells[place[column]]);
    return top.map((row, i) => {
        const own = packed.read({ at: row[at] }, buckets.count);
        return { name: row.cells[place.comm] + " " + row.cells[place.pid], colour: "series-" + (i % COLOURS + 1), own,
                 values: valuesOf(own), figure: (from, to) => textOf(sum(own, from, to)) };
    });
};

const cpuTime = (cpu) => { // percent of a core
    const time = buckets.host.ticks; // ns that a bucket's samples stand for
    return spread(cpu.map((value, b) => time[b] > 0 ? value * facts.cpu_scale * 100 / time[b] : NaN), time);
};
const cpuText = (value) => human.seconds(value * facts.cpu_scale / 1e9);

// By name as processes were called at the time, which may change: as procscope report --by comm.
const namesOf = () => facts.names.map((name, i) => {
    const own = packed.read({ at: name.at }, buckets.count);
    return { name: name.name ?? "[not known]", colour: "series-" + (i % COLOURS + 1), own, values: cpuTime(own),
             figure: (from, to) => cpuText(sum(own, from, to)) };
});

const cpuChart = (byName) => {
    const top = byName ? namesOf() : stackOf("cpuAt", "cpu_seconds", cpuTime, cpuText);
    const h = buckets.host, others = new Float64Array(buckets.count), rest = new Float64Array(buckets.count);
    for (let b = 0; b < buckets.count; b++) {
        others[b] = h.processes[b] - top.reduce((all, series) => all + series.own[b], 0);
        rest[b] = hostOf(b, b + 1).busyNs / facts.cpu_scale - h.processes[b];
    }
    const known = h.elapsed.some((ns) => ns > 0);
    const series = [{ name: "other processes", colour: "others", values: cpuTime(others),
                      figure: (from, to) => cpuText(sum(others, from, to)) }, ...top.reverse()];
    if (known)
        series.unshift({ name: "not attributed", colour: "rest", values: cpuTime(rest),
                         figure: (from, to) => {
                             const host = hostOf(from, to);
                             return human.seconds((host.busyNs - host.processesNs) / 1e9);
                         } });
    const rate = (value) => value * facts.cpu_scale / 1e7;
    const differ = h.ticks.some((ns, b) => ns > 0 && h.allMin[b] !== h.allMax[b]);
    const most = (from, to) => {
        const largest = h.allMax.subarray(from, to).reduce((all, value) => Math.max(all, value), 0);
        return human.percent(rate(largest)) + " %";
    };
    const line = { name: "all processes, largest in a step", colour: "faint", figure: most,
                   values: spread(h.allMax.map((value, b) => h.ticks[b] > 0 ? rate(value) : NaN), h.ticks) };
    return { id: "cpu", title: byName ? "CPU by name" : "CPU by process", stacked: true, series,
             line: differ ? line : undefined,
             format: (value) => human.percent(value) + " %",
             note: "100 % is one core" + (facts.cores > 0 ? "; the host has " + facts.cores : "") +
                 ". What is not attributed can be below zero, and is not drawn then." };
};

const gpuChart = () => {
    const watts = (uj) => spread(uj.map((value, b) => gpus.time[b] > 0 ? value * 1000 / gpus.time[b] : NaN), gpus.time);
    const joules = (uj) => human.joules(uj / 1e6);
    const top = stackOf("gpuAt", "gpu_energy_joules", watts, joules);
    const all = gpus.processes;
    const others = all.map((uj, b) => uj - top.reduce((sums, series) => sums + series.own[b], 0));
    const rest = gpus.all.map((uj, b) => uj - gpus.idle[b] - all[b]);
    const line = (name, shade, column) => ({ name, colour: shade, values: watts(column),
                                             figure: (from, to) => joules(sum(column, from, to)) });
    return { id: "gpu", title: "GPU power by process", stacked: true, format: human.watts,
             series: [line("not attributed", "rest", rest), line("other processes", "others", others),
                      ...top.reverse(), line("idle", "idle", gpus.idle)] };
};

const FORMAT = {
    percent: (value) => human.percent(value) + " %",
    bytes: human.bytes,
    bytes_per_second: (value) => human.bytes(value) + "/s",
    count: human.count,
};

// A table's chart: rates are increase by covered time, levels a mean by time.
const hostChart = (chart) => {
    const series = chart.series.map((one, i) => {
        const cursor = { at: one.at };
        const [time, value, min, max] = [0, 1, 2, 3].map(() => packed.read(cursor, buckets.count));
        const mean = (b) => one.rate ? value[b] * one.scale / time[b] : value[b] * one.scale;
        const known = (of) => spread(time.map((ns, b) => ns > 0 ? of(b) : NaN), time);
        const differ = time.some((ns, b) => ns > 0 && min[b] !== max[b]);
        const figure = (from, to) => {
            let all = 0;
            const ns = sum(time, from, to);
            for (let b = from; b < to; b++)
                all += one.rate ? value[b] : value[b] * time[b];
            return ns > 0 ? FORMAT[one.unit](all * one.scale / ns) : "not known";
        };
        return { name: one.name, colour: "series-" + (i % COLOURS + 1), values: known(mean), figure, unit: one.unit,
                 min: differ ? known((b) => min[b] * one.range_scale) : undefined,
                 max: differ ? known((b) => max[b] * one.range_scale) : undefined };
    });
    const unit = series[0]?.unit ?? "count";
    return { id: chart.id, title: chart.title, series, format: FORMAT[unit], bytes: unit.startsWith("bytes"),
             note: chart.left_out > 0 ? "Those with most; " + chart.left_out + " more are not drawn." : "" };
};

const chartSpecs = () => [cpuChart(false), ...(gpus === null ? [] : [gpuChart()]), ...facts.charts.map(hostChart)]
    .filter((chart) => chart.series.length > 0);

// What a reader would look for and not find, and why.
const notDrawn = () => {
    const missing = facts.charts.filter((chart) => chart.series.length === 0);
    const reason = (chart) => {
        const collector = facts.collectors.find((one) => one.collector === chart.collector);
        return chart.title + ": " + (collector === undefined || collector.status === "ok" ? "no samples in the window"
            : collector.status + (collector.reason === "" ? "" : ", " + collector.reason));
    };
    const gpu = gpus === null ? [reason({ title: "GPU power by process", collector: "gpu" })] : [];
    return [...gpu, ...missing.map(reason)].join(". ");
};
