// One process: all that is known of it, and its course over time.

class Detail {
    constructor(page) {
        this.page = page;
        this.section = document.getElementById("detail");
        this.charts = [];
    }

    open(line, opener) {
        const place = rows.place, comm = line.cells[place.comm];
        this.close(false);
        this.row = line.row;
        this.opener = opener;
        const title = element("h2", { id: "detail-title", tabindex: "-1" }, "Process ", bdi(String(comm)), " ",
                              String(line.cells[place.pid]));
        const close = element("button", { type: "button", textContent: "Close" });
        close.addEventListener("click", () => this.close(true));
        this.list = element("dl", { className: "facts" });
        this.section.replaceChildren(element("div", { className: "detail-head" }, title, close), this.list);
        this.section.hidden = false;
        this.charts = this.specs(line.row).map((spec) => new Chart(spec, this.page));
        for (const chart of this.charts)
            this.section.append(chart.section);
        for (const chart of this.charts)
            chart.draw();
        this.zoom();
        title.focus();
    }

    specs(row) {
        const columns = columnsOf(row, FIGURES.map(() => new Float64Array(steps.count)));
        const course = (valueOf) => {
            const all = new Float64Array(buckets.count).fill(NaN), time = new Float64Array(buckets.count);
            for (let b = 0; b < buckets.count; b++) {
                const step = steps.of(b), i = step - row.first;
                if (!(i >= 0 && i < row.count && columns.flags[i] & FLAG.there))
                    continue;
                time[b] = steps.covered[step] - columns.uncovered[i];
                all[b] = valueOf(i, time[b]);
            }
            return facts.fold === 1 ? spread(all, time) : all;
        };
        const figure = (name, format) => (from, to) => {
            const cells = cellsOf(row, from, to), value = cells?.[rows.place[name]] ?? null;
            return cells === null ? "not there" : value === null ? "not known" : format(value);
        };
        const cpu = (i, covered) => covered > 0 ? columns.cpu[i] * facts.cpu_scale * 100 / covered : NaN;
        const percent = (value) => human.percent(value) + " %";
        const rss = (value) => (i) => columns.flags[i] & FLAG.rss ? value(i) : NaN;
        return [{
            id: "detail-cpu", title: "Its CPU time", format: percent, series: [
                { name: "mean", colour: "series-1", values: course(cpu), figure: figure("cpu_percent_mean", percent) },
                { name: "largest", colour: "series-2", figure: figure("cpu_percent_max", percent),
                  values: course((i) => columns.cpuMax[i] * facts.cpu_scale / 1e7) },
            ],
        }, {
            id: "detail-rss", title: "Its memory", format: human.bytes, bytes: true, series: [
                { name: "mean", colour: "series-1", figure: figure("resident_bytes_mean", human.bytes),
                  values: course(rss((i) => columns.rssMax[i] - columns.rssBelow[i] / BELOW_PARTS)) },
                { name: "largest", colour: "series-2", figure: figure("resident_bytes_max", human.bytes),
                  values: course(rss((i) => columns.rssMax[i])) },
            ],
        }];
    }

    zoom() {
        if (this.section.hidden)
            return;
        const { from, to } = this.page.range;
        const cells = this.page.isWhole() ? this.row.cells : cellsOf(this.row, from, to) ?? this.row.cells;
        this.list.replaceChildren(...facts.columns.filter((column) => column.name !== "row").flatMap((column, i) => {
            const dd = element("dd", {}, bdi(ProcessTable.show(column, cells[i])));
            dd.dataset.name = column.name;
            return [element("dt", { textContent: column.name }), dd];
        }));
        for (const chart of this.charts)
            chart.zoom();
    }

    close(back) {
        for (const chart of this.charts)
            chart.plot?.destroy();
        this.charts = [];
        this.section.hidden = true;
        this.section.replaceChildren();
        if (back) // the row may have been drawn anew
            (this.opener.isConnected ? this.opener : document.getElementById("table")).focus();
    }
}
