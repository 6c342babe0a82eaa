// Drives a browser for tests/test_html*.py: node drive.mjs CHROMIUM; a JSON order a line in, a JSON answer a line out.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox", "--disable-dev-shm-usage"] });
process.stdout.write("{}\n"); // it has started
let context, page, faults = [];

const orders = {
    // A page from a file, without a network, once `before` was run; what it says of faults and asks for is kept.
    async open({ file, width = 1280, height = 1000, scheme = "light", before = null }) {
        await context?.close();
        context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, offline: true });
        page = await context.newPage();
        if (before !== null)
            await page.addInitScript(before);
        faults = [];
        page.on("console", (message) => faults.push("console " + message.type() + ": " + message.text()));
        page.on("pageerror", (error) => faults.push("error: " + error.message));
        page.on("request", (request) => {
            if (request.url() !== "file://" + file)
                faults.push("request: " + request.url());
        });
        page.on("dialog", (dialog) => {
            faults.push("dialog: " + dialog.message());
            dialog.dismiss();
        });
        await page.goto("file://" + file);
        await page.waitForFunction(() => document.documentElement.dataset.ready === "true", null, { timeout: 30000 });
        return page.evaluate(() => performance.now());
    },
    async faults() { return faults; },
    async evaluate({ script }) { return page.evaluate(script); },
    async press({ selector, key }) { await page.locator(selector).press(key); },
    async click({ selector }) { await page.locator(selector).first().click(); },
    async fill({ selector, text }) { await page.locator(selector).fill(text); },
    // Points, or drags, at parts of an element's width.
    async point({ selector, x, to = null, y = 0.5 }) {
        await page.locator(selector).scrollIntoViewIfNeeded();
        const box = await page.locator(selector).boundingBox();
        const at = (part) => [box.x + box.width * part, box.y + box.height * y];
        await page.mouse.move(...at(x));
        if (to === null)
            return;
        await page.mouse.down();
        await page.mouse.move(...at((x + to) / 2));
        await page.mouse.move(...at(to));
        await page.mouse.up();
    },
    async doubleclick({ selector }) { await page.locator(selector).dblclick(); },
    async media({ media }) { await page.emulateMedia({ media }); },
    async screenshot({ file, full = false }) { await page.screenshot({ path: file, fullPage: full }); },
};

for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    let answer;
    try {
        answer = { is: (await orders[order.do](order)) ?? null };
    } catch (error) {
        answer = { failed: String(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
