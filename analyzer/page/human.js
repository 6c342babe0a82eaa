// Quantities as analyzer/human.c writes them, and times on the recorded host's clocks.

const human = (() => {
    const fixed = (value, digits) => {
        const power = 10 ** digits;
        const units = Math.round(Math.abs(value) * power);
        const text = String(Math.floor(units / power)) +
            (digits > 0 ? "." + String(units % power).padStart(digits, "0") : "");
        return value < 0 && units !== 0 ? "-" + text : text;
    };
    const stepped = (value, step, names) => {
        let unit = 0;
        while (unit + 1 < names.length && Math.round(Math.abs(value) * 10) >= step * 10) {
            value /= step;
            unit++;
        }
        return fixed(value, unit === 0 ? 0 : 1) + names[unit];
    };
    const two = (number) => String(number).padStart(2, "0");
    const pair = (total, ratio, large, small) => Math.floor(total / ratio) + large + two(total % ratio) + small;

    const seconds = (value) => {
        const size = Math.abs(value), sign = value < 0 ? "-" : "";
        if (size === 0)
            return "0 s";
        if (Math.round(size * 1e7) < 10000)
            return sign + fixed(size * 1e6, 1) + " us";
        if (Math.round(size * 1e4) < 1000)
            return sign + fixed(size * 1e3, 1) + " ms";
        if (Math.round(size * 100) < 6000)
            return sign + fixed(size, 2) + " s";
        if (Math.round(size) < 3600)
            return sign + pair(Math.round(size), 60, " m ", " s");
        if (Math.round(size / 60) < 24 * 60)
            return sign + pair(Math.round(size / 60), 60, " h ", " m");
        return sign + pair(Math.round(size / 3600), 24, " d ", " h");
    };
    const count = (value) => Math.abs(value) < 100000 ? fixed(value, Math.trunc(value) === value ? 0 : 1)
        : stepped(value, 1000, ["", " k", " M", " G", " T", " P", " E"]);
    const joules = (value) => Math.round(Math.abs(value) * 10) < 10000 ? fixed(value, 1) + " J"
        : stepped(value, 1000, [" J", " kJ", " MJ", " GJ", " TJ", " PJ", " EJ"]);
    const bytes = (value) => stepped(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"]);
    const watts = (value) => fixed(value, 1) + " W";
    const percent = (value) => fixed(value, 1);
    return { bytes, seconds, percent, count, watts, joules, plain: String };
})();

// A time, nanoseconds since 1970 as a BigInt, on those clocks: "2026-11-20 14:03:05"; more digits on request.
const clock = (ns, offsets, digits = 0) => {
    let ahead = offsets[0][1];
    for (const [since, seconds] of offsets)
        if (ns > BigInt(since))
            ahead = seconds;
    const local = ns + BigInt(ahead) * 1000000000n;
    const fraction = String(((local % 1000000000n) + 1000000000n) % 1000000000n).padStart(9, "0");
    const date = new Date(Number((local - BigInt(fraction)) / 1000000n)).toISOString();
    return date.slice(0, 10) + " " + date.slice(11, 19) + (digits > 0 ? "." + fraction.slice(0, digits) : "");
};
