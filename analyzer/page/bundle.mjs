// Puts the page together: node bundle.mjs SOURCE-DIRECTORY PACKAGES-DIRECTORY OUT.html
//
// Its style and its script are in it once, and the policy names their hashes: nothing else runs, nothing is loaded.
// @FACTS@ and @SERIES@ stay; the program puts a recording's figures there.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [source, packages, out] = process.argv.slice(2);
const own = (name) => readFileSync(join(source, name), "utf8");
const uplot = (name) => readFileSync(join(packages, "uplot", name), "utf8");
const hash = (text) => "'sha256-" + createHash("sha256").update(text).digest("base64") + "'";

// In the order in which each may use what comes before.
const scripts = ["human.js", "packed.js", "figures.js", "charts.js", "chart_set.js", "table.js", "detail.js",
                 "lists.js", "page.js"];

const style = uplot("dist/uPlot.min.css") + "\n" + own("page.css");
const script = "/*\n" + uplot("LICENSE") + "*/\n" + uplot("dist/uPlot.iife.min.js") +
    "\n(() => {\n\"use strict\";\n" + scripts.map(own).join("\n") + "\n})();\n";
for (const text of [style, script])
    if (/<\/(style|script)|<!--|@(FACTS|SERIES)@/i.test(text))
        throw new Error("a style or script would end its element");
const policy = ["default-src 'none'", "script-src " + hash(script), "style-src " + hash(style), "img-src data:",
                "base-uri 'none'", "form-action 'none'"].join("; ");
const parts = { POLICY: policy, STYLE: style, SCRIPT: script };
writeFileSync(out, own("page.html").replace(/@(POLICY|STYLE|SCRIPT)@/g, (mark, name) => parts[name]));
