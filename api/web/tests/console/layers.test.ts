import { expect, test } from "vitest";

const files = import.meta.glob<string>("../../console/**/*.{ts,svelte}", { query: "?raw", import: "default", eager: true });
const HOME = "../../console/";

/** The parts of the console that a file imports: "shared", "features/visitors", "app". */
function importsOf(file: string, text: string): string[] {
  const paths = Array.from(text.matchAll(/(?:from|import) "(\.[^"]+)"/g), ([, path = ""]) => path);
  return paths.map((path) => new URL(path, `https://helpr.example/${file.slice(HOME.length)}`).pathname.slice(1)).map(partOf);
}

function partOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  return first === "features" ? `${first}/${second}` : first;
}

const all = Object.entries(files).map(([file, text]) => [file.slice(HOME.length), partOf(file.slice(HOME.length)), importsOf(file, text)] as const);
/* What lies outside of the console is the widget's and the tokens. */
const OUTSIDE = ["widget", "tokens.css"];
/* The one file that knows the types generated from the API's description, and names them for the others. */
const NAMES = "shared/wire.ts";

test("there is something to look at", () => {
  expect(new Set(all.map(([, part]) => part))).toEqual(
    new Set(["app", "shared", "features/accounts", "features/compliance", "features/conversations", "features/usage", "features/visitors"]),
  );
});

test.each(all.filter(([, part]) => part === "shared"))("%s, which is shared, knows no feature", (file, _part, imports) => {
  const outside = file === NAMES ? ["client"] : OUTSIDE;
  expect(imports.filter((one) => one !== "shared" && !outside.includes(one))).toEqual([]);
});

test.each(all.filter(([, part]) => part.startsWith("features/")))("%s knows no other feature", (_file, part, imports) => {
  expect(imports.filter((one) => one !== part && one !== "shared" && !OUTSIDE.includes(one))).toEqual([]);
});

test.each(Object.entries(files))("%s puts nothing into the page that its security policy refuses", (_file, text) => {
  expect(text.match(/ style="|\{@html|\binnerHTML\b|https?:\/\/(?!www\.w3\.org)[\w.]+\.[a-z]+\//g) ?? []).toEqual([]);
});
