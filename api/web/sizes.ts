/** Fails when what a page loads first has grown past its budget, in kilobytes after gzip. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const here = (path: string): URL => new URL(path, import.meta.url);
const gzipped = (path: string): number => gzipSync(readFileSync(here(path)), { level: 9 }).length / 1000;

/** The page itself, and every script and sheet that its markup names. */
function firstLoad(folder: string): readonly string[] {
  const page = `${folder}/index.html`;
  const named = readFileSync(here(page), "utf8").matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g);
  return [page, ...Array.from(named, ([, path]) => `${folder}${path}`)];
}

const budgets = [
  { what: "widget.js", most: 15, files: ["dist/widget/widget.js"] },
  { what: "console, first load", most: 120, files: firstLoad("dist/console") },
];

for (const { what, most, files } of budgets) {
  const size = files.reduce((sum, file) => sum + gzipped(file), 0);
  console.log(`${what}: ${size.toFixed(1)} kB of ${most} kB`);
  if (size > most) {
    console.error(`${what} has outgrown its budget`);
    process.exitCode = 1;
  }
}
