// Columns of whole numbers as analyzer/page_pack.h writes them. They are read anew each time: that is fast, and
// what a page holds stays small.

const packed = (() => {
    const decode = (base64) => { // for browsers that do not do it themselves
        const text = atob(base64), list = new Uint8Array(text.length);
        for (let i = 0; i < text.length; i++)
            list[i] = text.charCodeAt(i);
        return list;
    };
    const series = document.getElementById("series").textContent;
    const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(series) : decode(series);

    // A varint from `at`; exact below 2^53.
    const varint = (cursor) => {
        let value = 0, power = 1, byte;
        do {
            byte = bytes[cursor.at++];
            value += (byte & 127) * power;
            power *= 128;
        } while (byte > 127);
        return value;
    };

    // The column at cursor.at, which moves behind it, into the first `count` of `into`.
    const read = (cursor, count, into = new Float64Array(count)) => {
        const differences = bytes[cursor.at++] === 1;
        let before = 0;
        for (let i = 0; i < count;) {
            const code = varint(cursor);
            if (code === 0) {
                const end = i + 1 + varint(cursor);
                into.fill(before, i, end);
                i = end;
                continue;
            }
            before = (differences ? before : 0) + (code % 2 === 0 ? code / 2 : -(code + 1) / 2);
            into[i++] = before;
            before = differences ? before : 0;
        }
        return into;
    };
    return { read };
})();
