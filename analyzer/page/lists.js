// What is text: who and when, the trust statement, events, collectors.

const tableOf = (table, caption, heads, lines) => {
    table.replaceChildren(element("caption", { textContent: caption }),
        element("thead", {}, element("tr", {}, ...heads.map((head) =>
            element("th", { scope: "col", className: "text", textContent: head })))),
        element("tbody", {}, ...lines.map((cells) => element("tr", {}, ...cells.map((cell) =>
            element("td", { className: "text" }, bdi(cell)))))));
};

const secondsOf = (ns) => human.seconds(Number(ns) / 1e9);

const fillLists = () => {
    const from = BigInt(facts.from_ns) + (facts.whole ? 1n : 0n), to = BigInt(facts.to_ns);
    document.title = facts.host + " " + clock(from, facts.offsets) + ": procscope";
    document.getElementById("title").replaceChildren(bdi(facts.host));
    document.getElementById("about").replaceChildren(
        clock(from, facts.offsets) + " to " + clock(to, facts.offsets) + " on its clocks (",
        bdi(facts.zone || "zone not known"), "), " + secondsOf(to - from) + ". ",
        bdi([facts.os, facts.release, facts.machine].join(" ")), ", " + facts.core_count + " cores, " +
        human.bytes(facts.memory_bytes) + ". ", bdi(facts.files.join(", ")), ", a sample every " +
        secondsOf(facts.interval_ns) + ".");
    document.getElementById("trust").replaceChildren(...facts.report.notes.flatMap(([name, text]) =>
        [element("dt", { textContent: name }), element("dd", {}, bdi(text))]));
    document.getElementById("trust-about").textContent = "Of the whole window, as procscope report prints it.";
    if (BigInt(facts.from_ns) < BigInt(facts.charted_from_ns))
        document.getElementById("before").textContent = "Samples begin " +
            clock(BigInt(facts.charted_from_ns), facts.offsets) + ": of the time before there are sums at most, " +
            "which are in the table of the whole window, and in no chart.";
    tableOf(document.getElementById("events"), facts.events.length === 0 ? "No events in the window"
        : "What happened in the window" + (facts.events_left_out > 0 ? ", " + facts.events_left_out +
            " more are left out" : ""), ["Time", "Event", "For", "Value", "Detail"],
        facts.events.map((event) => [clock(BigInt(event.at_ns), facts.offsets, 3), event.kind,
            event.duration_ns > 0 ? secondsOf(event.duration_ns) : "", event.value === "0" ? "" : event.value,
            event.detail]));
    tableOf(document.getElementById("collectors"), "Collectors of the latest session",
        ["Collector", "Status", "Reason", "How to have it"],
        facts.collectors.map((one) => [one.collector, one.status, one.reason, one.enable]));
    document.getElementById("made").textContent = "Made by procscope " + facts.version + " from a recording of " +
        facts.recorder + " (processes by " + facts.process_source + "). Charts by uPlot.";
};
