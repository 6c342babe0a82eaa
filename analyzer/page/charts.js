// One chart: drawn by uPlot, with a legend that tells values, a summary in words, and keys.
//
// A bucket's value holds from its begin to its end: lines are stepped, and the point of a bucket is at its end.

const colours = new Map(); // of the theme at hand: to ask for one makes the browser work out all styles
const colour = (name) => {
    if (!colours.has(name))
        colours.set(name, getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim());
    return colours.get(name);
};

const times = (() => { // seconds; the first is the begin of the first bucket
    const x = new Float64Array(buckets.count + 1), from = Number(BigInt(facts.charted_from_ns) / 1000n) / 1e6;
    x[0] = from;
    for (let i = 0; i < buckets.count; i++)
        x[i + 1] = from + buckets.end[i] / 1e9;
    return x;
})();

const timeOf = (seconds) => clock(BigInt(facts.charted_from_ns) + BigInt(Math.round((seconds - times[0]) * 1e9)),
                                  facts.offsets, facts.step_ns < 1e9 ? 2 : 0);

const element = (name, properties = {}, ...children) => {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(properties))
        if (key.startsWith("aria-") || key === "role" || key === "scope" || key === "tabindex")
            e.setAttribute(key, value);
        else
            e[key] = value;
    e.append(...children);
    return e;
};

// Text of a recording: whatever it holds, it stays text, and does not turn what stands around it.
const bdi = (text) => element("bdi", { textContent: text });

const TIME_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
                    10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200, 9676800];
// Multiples of the step on the host's clocks, as they were at the begin.
const timeSplits = (u, axis, min, max, step) => {
    const ahead = facts.offsets[0][1], list = [];
    for (let i = Math.ceil((min + ahead) / step); i * step - ahead <= max; i++)
        list.push(i * step - ahead);
    return list;
};
const BYTE_STEPS = Array.from({ length: 60 }, (_, i) => 2 ** i);

// A chart is {id, title, note, format, bytes, stacked, series, line}, where line is a series above a stack;
// a series is {name, colour, values, min, max, figure}:
// values per bucket (NaN: nothing known), figure(from, to) the text for a run of buckets.
class Chart {
    constructor(spec, page) {
        this.spec = spec;
        this.page = page;
        this.box = element("div", { className: "plot", tabindex: "0", role: "application",
                                    "aria-label": spec.title + ", chart", "aria-describedby": spec.id + "-summary" });
        this.legend = element("ul", { className: "legend" });
        this.when = element("p", { className: "when" });
        this.summary = element("p", { className: "aside", id: spec.id + "-summary" });
        this.series = spec.line ? [...spec.series, spec.line] : spec.series;
        this.values = this.series.map((series) => {
            const swatch = element("span", { className: "swatch" }), value = element("span", { className: "value" });
            swatch.style.background = colour(series.colour);
            swatch.dataset.colour = series.colour;
            this.legend.append(element("li", {}, swatch, bdi(series.name), " ", value));
            return value;
        });
        this.section = element("section", { className: "chart", id: spec.id, "aria-labelledby": spec.id + "-title" },
                               element("h2", { id: spec.id + "-title", textContent: spec.title }));
        if (spec.note)
            this.section.append(element("p", { className: "note", textContent: spec.note }));
        this.section.append(this.box, this.when, this.legend, this.summary);
        this.box.addEventListener("keydown", (event) => this.key(event));
    }

    // Stacked: each on top of those after it, so that the first drawn is the whole.
    layers() {
        const series = this.spec.series;
        if (!this.spec.stacked)
            return series.map((one) => one.values);
        const layers = [];
        let below = new Float64Array(buckets.count);
        for (let s = series.length - 1; s >= 0; s--) {
            const values = series[s].values, layer = new Float64Array(buckets.count);
            for (let i = 0; i < buckets.count; i++)
                layer[i] = below[i] + values[i];
            layers[s] = below = layer;
        }
        return this.spec.line ? [...layers, this.spec.line.values] : layers;
    }

    data() {
        const points = (values) => {
            const list = new Array(buckets.count + 1);
            for (let i = 0; i < buckets.count; i++)
                list[i + 1] = Number.isNaN(values[i]) ? null : values[i];
            list[0] = list[1];
            return list;
        };
        const data = [times, ...this.layers().map(points)];
        for (const series of this.ranges())
            data.push(points(series.max), points(series.min));
        return data;
    }

    ranges() {
        return this.series.filter((series) => series.max !== undefined);
    }

    // The bucket under a point of the plot.
    static dataIdx(u, seriesIdx, nearest, x) {
        return buckets.at((x - times[0]) * 1e9) + 1;
    }

    options(width) {
        const stacked = this.spec.stacked, stepped = uPlot.paths.stepped({ align: -1 });
        const format = this.spec.format;
        const series = [{}];
        for (const one of this.series) {
            const filled = stacked && one !== this.spec.line;
            series.push({ label: one.name, stroke: colour(one.colour), paths: stepped,
                          width: filled ? 0 : stacked ? 0.7 : 1.5, points: { show: buckets.count === 1 },
                          fill: filled ? colour(one.colour) : undefined, spanGaps: false });
        }
        const bands = [];
        for (const one of this.ranges()) {
            bands.push({ series: [series.length, series.length + 1], fill: colour(one.colour) + "33" });
            for (let i = 0; i < 2; i++)
                series.push({ label: "", stroke: "transparent", width: 0, paths: stepped, points: { show: false } });
        }
        const axis = { stroke: colour("text"), grid: { stroke: colour("grid"), width: 1 },
                       ticks: { stroke: colour("grid"), width: 1 } };
        return {
            width, height: 200, series, bands, legend: { show: false }, padding: [8, 28, 0, 0],
            scales: { x: { time: false, range: (u, min, max) => [min, max] },
                      y: { range: (u, min, max) => [Math.min(0, min ?? 0), max > 0 ? max * 1.05 : 1] } },
            axes: [{ ...axis, size: 34, space: 90, incrs: TIME_STEPS, splits: timeSplits,
                     values: (u, ticks) => this.page.tickLabels(ticks) },
                   { ...axis, size: 88, values: (u, ticks) => ticks.map(format),
                     ...(this.spec.bytes ? { incrs: BYTE_STEPS } : {}) }],
            cursor: { sync: { key: "procscope", setSeries: false }, drag: { x: true, y: false, setScale: false },
                      points: { show: false }, y: false, dataIdx: Chart.dataIdx, bind: { dblclick: () => () => {
                          this.page.whole(); return null; } } },
            hooks: { setCursor: [(u) => this.hover(u.cursor.idx)], setSelect: [(u) => this.select(u)],
                     draw: [(u) => this.page.drawEvents(u)] },
        };
    }

    // Drawn once it comes near to what can be seen.
    await() {
        new IntersectionObserver((entries, observer) => {
            if (!entries.some((entry) => entry.isIntersecting))
                return;
            observer.disconnect();
            this.draw();
        }, { rootMargin: "300px" }).observe(this.box);
        this.zoom();
    }

    draw() {
        this.plot?.destroy();
        for (const swatch of this.legend.querySelectorAll(".swatch"))
            swatch.style.background = colour(swatch.dataset.colour);
        this.plot = new uPlot(this.options(this.box.clientWidth || 600), this.data(), this.box);
        this.zoom();
    }

    redraw() {
        if (this.plot)
            this.draw();
    }

    resize() {
        this.plot?.setSize({ width: this.box.clientWidth, height: 200 });
    }

    zoom() {
        const { from, to } = this.page.range;
        this.plot?.setScale("x", { min: times[from], max: times[to] });
        this.rest();
        this.summary.textContent = this.words(from, to);
    }

    // Without a cursor the legend tells of all that is shown.
    rest() {
        const { from, to } = this.page.range;
        this.when.textContent = "in all that is shown";
        this.series.forEach((series, i) => { this.values[i].textContent = series.figure(from, to); });
    }

    hover(idx) {
        if (idx === null || idx === undefined || this.plot.cursor.left < 0) {
            this.rest();
            return;
        }
        this.tell(Math.max(0, idx - 1));
    }

    tell(bucket) {
        this.bucket = bucket;
        const marks = this.page.eventsIn(bucket, bucket + 1).map((event) => event.kind);
        this.when.textContent = timeOf(times[bucket]) + " to " + timeOf(times[bucket + 1]) +
            (marks.length > 0 ? ": " + marks.join(", ") : "");
        this.series.forEach((series, i) => {
            const value = series.values[bucket], format = this.spec.format;
            let text = Number.isNaN(value) ? "not known" : format(value);
            if (series.max !== undefined && !Number.isNaN(value) && series.max[bucket] !== series.min[bucket])
                text += " (" + format(series.min[bucket]) + " to " + format(series.max[bucket]) + ")";
            this.values[i].textContent = text;
        });
    }

    select(u) {
        if (u.select.width < 4)
            return;
        const at = (pixel) => buckets.at((u.posToVal(pixel, "x") - times[0]) * 1e9);
        const from = at(u.select.left), to = at(u.select.left + u.select.width) + 1;
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        this.page.setRange(from, to);
    }

    // What a reader who does not see it should know.
    words(from, to) {
        const parts = this.series.map((series) => {
            let most = -Infinity, at = -1;
            for (let i = from; i < to; i++)
                if (series.values[i] > most) {
                    most = series.values[i];
                    at = i;
                }
            if (at < 0)
                return series.name + ": not known";
            return series.name + ": " + series.figure(from, to) + ", most " + this.spec.format(most) + " until " +
                timeOf(times[at + 1]);
        });
        return parts.join("; ") + ".";
    }

    key(event) {
        const page = this.page, step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        if (step !== 0 && event.shiftKey)
            page.pan(step);
        else if (step !== 0)
            this.move(step);
        else if (event.key === "+" || event.key === "=")
            page.scale(0.5, this.bucket);
        else if (event.key === "-")
            page.scale(2, this.bucket);
        else if (event.key === "0")
            page.whole();
        else if (event.key === "Escape")
            page.forgetCursor();
        else
            return;
        event.preventDefault();
    }

    // The cursor by keys, in all charts; what it is at is said aloud.
    move(step) {
        const { from, to } = this.page.range;
        const known = this.bucket !== undefined && this.bucket >= from && this.bucket < to;
        const bucket = known ? Math.min(to - 1, Math.max(from, this.bucket + step)) : step > 0 ? from : to - 1;
        this.page.pointAt(bucket);
        const values = this.series.map((series, i) => series.name + " " + this.values[i].textContent);
        this.page.say(this.when.textContent + ": " + values.join(", "));
    }

    pointAt(bucket) {
        const middle = (times[bucket] + times[bucket + 1]) / 2;
        this.plot?.setCursor({ left: this.plot.valToPos(middle, "x"), top: 10 }, false);
        this.tell(bucket);
    }
}
