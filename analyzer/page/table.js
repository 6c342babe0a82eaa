// The table of processes: sorted, filtered, and of the part of the window that is shown.

const PAGE_ROWS = 60; // how many are drawn at first, and more at a time

class ProcessTable {
    constructor(page) {
        this.page = page;
        this.columns = facts.columns.map((column, i) => ({ ...column, i }));
        const last = this.columns.findIndex((column) => column.name === "process_id");
        this.columns = this.columns.slice(0, last); // what follows is of details
        this.sort = { i: rows.place.cpu_seconds, down: true };
        this.most = PAGE_ROWS;
        this.table = document.getElementById("rows");
        this.filter = document.getElementById("filter");
        this.more = document.getElementById("more");
        this.head();
        this.filter.addEventListener("input", () => {
            this.most = PAGE_ROWS;
            this.draw();
        });
        this.more.addEventListener("click", () => {
            this.most += PAGE_ROWS;
            this.draw();
        });
    }

    head() {
        const heads = this.columns.map((column) => {
            const button = element("button", { type: "button", textContent: column.title, title: column.name });
            button.addEventListener("click", () => this.sortBy(column));
            const th = element("th", { scope: "col", className: column.as === "text" ? "text" : "" }, button);
            th.dataset.name = column.name;
            return th;
        });
        this.heads = heads;
        this.body = element("tbody");
        this.foot = element("tfoot");
        this.table.append(element("caption", { textContent: "What each process used" }),
                          element("thead", {}, element("tr", {}, ...heads)), this.body, this.foot);
    }

    sortBy(column) {
        const same = this.sort.i === column.i;
        this.sort = { i: column.i, down: same ? !this.sort.down : column.as !== "text" };
        this.draw();
        this.page.say("Sorted by " + column.name + (this.sort.down ? ", largest first" : ", smallest first"));
    }

    // The figures of a part of the window; of all of it those of the report itself.
    zoom() {
        const { from, to } = this.page.range, whole = this.page.isWhole();
        const all = [...rows.processes, ...rows.comms];
        this.lines = whole ? all.map((row) => ({ row, cells: row.cells }))
            : all.map((row) => ({ row, cells: cellsOf(row, from, to) })).filter((line) => line.cells !== null);
        const shown = this.lines.filter((line) => !line.row.comm).map((line) => line.cells);
        this.extras = whole ? rows.extras : extrasOf(from, to, shown);
        this.most = PAGE_ROWS;
        this.about(whole);
        this.draw();
    }

    about(whole) {
        const gone = rows.comms.length === 0 ? "" : " Those that used little are rows by name, in italics; together " +
            "they are the row [others].";
        document.getElementById("table-about").textContent = (whole
            ? "Of the whole window, as procscope report says."
            : "Of what is shown. P95% takes every sample, which this page does not have: the command above tells it.")
            + gone;
    }

    static less(a, b) {
        return typeof a === "string" ? (a < b ? -1 : a > b ? 1 : 0) : a - b;
    }

    order(lines) {
        const { i, down } = this.sort, sign = down ? -1 : 1;
        return lines.map((line, at) => ({ line, at })).sort((x, y) => {
            const a = x.line.cells[i], b = y.line.cells[i];
            if (a === null || b === null)
                return a === b ? x.at - y.at : a === null ? 1 : -1; // what is not known comes last, either way
            return sign * ProcessTable.less(a, b) || x.at - y.at;
        }).map((one) => one.line);
    }

    matches(line, words) {
        const place = rows.place, cells = line.cells;
        const text = [cells[place.pid], cells[place.user], cells[place.comm], cells[place.cmdline],
                      cells[place.cgroup]].map((cell) => cell ?? "").join("\n").toLowerCase();
        return words.every((word) => text.includes(word));
    }

    static show(column, value) {
        if (value === null || value === undefined)
            return "-";
        return column.as === "text" ? value : column.as === "time" ? clock(BigInt(value), facts.offsets)
            : human[column.as](value);
    }

    cell(column, line) {
        const value = line.cells[column.i], shown = ProcessTable.show(column, value);
        const td = element("td", { className: column.as === "text" ? "text " + column.name : "" });
        td.dataset.name = column.name;
        if (column.as !== "text") {
            td.textContent = shown;
            if (value !== null)
                td.title = String(value);
            return td;
        }
        if (column.name === "comm" && line.row && !line.row.comm) {
            const button = element("button", { type: "button", className: "open" }, bdi(shown));
            button.addEventListener("click", () => this.page.detail.open(line, button));
            td.append(button);
        } else {
            td.append(bdi(shown));
        }
        if (column.name === "cmdline" && value !== null)
            td.title = value;
        return td;
    }

    tr(line, className) {
        const tr = element("tr", { className });
        if (line.row) {
            tr.dataset.key = line.row.key;
            tr.dataset.processId = line.cells[rows.place.process_id] ?? "";
        }
        tr.append(...this.columns.map((column) => this.cell(column, line)));
        return tr;
    }

    draw() {
        const words = this.filter.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
        const found = this.order(this.lines.filter((line) => this.matches(line, words)));
        const drawn = found.slice(0, this.most);
        for (const th of this.heads)
            th.removeAttribute("aria-sort");
        this.heads[this.columns.findIndex((column) => column.i === this.sort.i)]
            .setAttribute("aria-sort", this.sort.down ? "descending" : "ascending");
        this.body.replaceChildren(...drawn.map((line) => this.tr(line, line.row.comm ? "comm" : "")));
        this.foot.replaceChildren(...this.extras.map((cells) => this.tr({ cells }, "extra")));
        document.getElementById("found").textContent = words.length > 0
            ? found.length + " of " + this.lines.length + " rows" : this.lines.length + " rows";
        this.more.hidden = found.length <= this.most;
        this.more.textContent = "Show more of the other " + (found.length - this.most);
    }
}
