// The page: which part of the window is shown, and everything that follows it.

// A word of a shell's command line.
const quoted = (word) => /^[\w.,:@%+=/-]+$/.test(word) && !word.startsWith("-") ? word
    : "'" + word.replaceAll("'", "'\\''") + "'";

const page = {
    range: { from: 0, to: buckets.count },
    events: facts.events.filter((event) => buckets.since(BigInt(event.at_ns)) > 0) // others are in no chart
        .map((event) => ({ ...event, bucket: buckets.at(buckets.since(BigInt(event.at_ns))) })),

    isWhole() {
        return this.range.from === 0 && this.range.to === buckets.count;
    },

    // Buckets from..to-1 are shown, and what more there is to the edges of the table's steps.
    setRange(from, to) {
        const fold = facts.fold, begin = Math.max(0, Math.floor(from / fold) * fold);
        this.range = { from: Math.min(begin, (steps.count - 1) * fold),
                       to: Math.min(buckets.count, Math.max(begin + fold, Math.ceil(to / fold) * fold)) };
        this.show();
    },

    // So many steps from one on, as far as there are.
    setSteps(from, count) {
        const most = Math.max(1, Math.min(steps.count, count)), first = Math.max(0, Math.min(steps.count - most, from));
        this.setRange(first * facts.fold, (first + most) * facts.fold);
    },

    whole() {
        this.setSteps(0, steps.count);
    },

    pan(direction) {
        const from = steps.of(this.range.from), count = steps.before(this.range.to) - from;
        this.setSteps(from + Math.max(1, Math.round(count / 4)) * direction, count);
    },

    // Around a bucket, or the middle.
    scale(factor, bucket) {
        const from = steps.of(this.range.from), to = steps.before(this.range.to);
        const count = Math.max(1, Math.round((to - from) * factor));
        const known = bucket !== undefined && steps.of(bucket) >= from && steps.of(bucket) < to;
        const middle = known ? steps.of(bucket) + 0.5 : (from + to) / 2;
        this.setSteps(Math.round(middle - count * (middle - from) / (to - from)), count);
    },

    show() {
        const { from, to } = this.range, begin = buckets.fromNs(from), end = buckets.endNs(to - 1);
        const at = (ns) => "@" + String(ns / 1000000000n) + "." + String(ns % 1000000000n).padStart(9, "0");
        const digits = facts.step_ns < 1e9 ? 3 : 0, shown = document.getElementById("shown");
        const command = this.isWhole() ? "" : ["procscope report", ...facts.files.map(quoted), "--from", at(begin),
                                               "--to", at(end)].join(" ");
        shown.replaceChildren((this.isWhole() ? "Whole window, charts from " : "Shown: ") +
            clock(begin, facts.offsets, digits) + " to " + clock(end, facts.offsets, digits) + ", " +
            human.seconds(Number(end - begin) / 1e9) + ", to the edges of steps of " +
            human.seconds(facts.step_ns * facts.fold / 1e9) + ". ");
        if (command !== "")
            shown.append("The same figures, and percentiles: ", element("code", {}, bdi(command)));
        document.getElementById("whole").disabled = document.getElementById("out").disabled = this.isWhole();
        document.getElementById("earlier").disabled = from === 0;
        document.getElementById("later").disabled = to === buckets.count;
        document.getElementById("in").disabled = to - from <= facts.fold;
        for (const chart of this.charts)
            chart.zoom();
        this.table.zoom();
        this.detail.zoom();
    },

    allCharts() {
        return [...this.charts, ...this.detail.charts];
    },

    pointAt(bucket) {
        for (const chart of this.allCharts())
            chart.pointAt(bucket);
    },

    forgetCursor() {
        for (const chart of this.allCharts()) {
            chart.bucket = undefined;
            chart.plot?.setCursor({ left: -10, top: -10 }, false);
            chart.rest();
        }
    },

    say(text) {
        document.getElementById("said").textContent = text;
    },

    eventsIn(from, to) {
        return this.events.filter((event) => event.bucket >= from && event.bucket < to);
    },

    drawEvents(u) {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.strokeStyle = colour("event");
        ctx.globalAlpha = 0.6;
        ctx.lineWidth = Math.max(1, devicePixelRatio);
        ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
        for (const event of this.eventsIn(this.range.from, this.range.to)) {
            const x = u.valToPos(times[0] + buckets.since(BigInt(event.at_ns)) / 1e9, "x", true);
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
        }
        ctx.restore();
    },

    // The date where it changes, else the time of day.
    tickLabels(ticks) {
        let day = "";
        return ticks.map((tick) => {
            const text = timeOf(tick), next = text.slice(0, 10);
            const label = (next === day ? "" : text.slice(5, 10) + " ") + text.slice(11);
            day = next;
            return label;
        });
    },

    // The first chart, by process or by name.
    stackBy(byName) {
        const chart = new Chart(cpuChart(byName), this), before = this.charts[0];
        document.getElementById("names").setAttribute("aria-pressed", String(byName));
        before.plot?.destroy();
        before.section.replaceWith(chart.section);
        this.charts[0] = chart;
        chart.await();
    },

    dark() {
        const chosen = document.documentElement.dataset.theme;
        return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    },

    redraw() {
        colours.clear();
        const button = document.getElementById("theme");
        button.setAttribute("aria-pressed", String(this.dark()));
        for (const chart of this.allCharts())
            chart.redraw();
    },

    bind() {
        const on = (id, what) => document.getElementById(id).addEventListener("click", what);
        on("earlier", () => this.pan(-1));
        on("later", () => this.pan(1));
        on("in", () => this.scale(0.5));
        on("out", () => this.scale(2));
        on("whole", () => this.whole());
        on("names", () => this.stackBy(document.getElementById("names").getAttribute("aria-pressed") !== "true"));
        on("theme", () => {
            document.documentElement.dataset.theme = this.dark() ? "light" : "dark";
            this.redraw();
        });
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
        addEventListener("beforeprint", () => { // light, and also what was not seen yet
            this.theme = document.documentElement.dataset.theme;
            document.documentElement.dataset.theme = "light";
            colours.clear();
            for (const chart of this.allCharts())
                chart.draw();
        });
        addEventListener("afterprint", () => {
            if (this.theme === undefined)
                delete document.documentElement.dataset.theme;
            else
                document.documentElement.dataset.theme = this.theme;
            this.redraw();
        });
        new ResizeObserver(() => {
            for (const chart of this.allCharts())
                chart.resize();
        }).observe(document.getElementById("charts"));
    },

    begin() {
        fillLists();
        document.body.append(element("p", { id: "said", className: "aside", role: "status" }));
        this.detail = new Detail(this);
        this.table = new ProcessTable(this);
        this.charts = chartSpecs().map((spec) => new Chart(spec, this));
        document.getElementById("charts").replaceChildren(...this.charts.map((chart) => chart.section));
        const missing = notDrawn();
        document.getElementById("not-drawn").textContent = missing === "" ? "" : "Not drawn. " + missing + ".";
        this.bind();
        this.redraw();
        this.show();
        for (const chart of this.charts)
            chart.await();
        document.documentElement.dataset.ready = "true";
    },
};

page.begin();
