import { describe, expect, test } from "vitest";
import tokens from "../tokens.css?raw";
import { contrast } from "../widget/colour";

type Mode = "light" | "dark";
const declared = new Map(Array.from(tokens.matchAll(/(--[\w-]+): ([^;]+);/g), ([, name = "", value = ""]) => [name, value]));

/** The colour that a token has in a mode, as hex. */
function colour(name: string, mode: Mode, hue = 0): string {
  const value = declared.get(name) ?? "";
  const halves = /^light-dark\((.+\)), (.+)\)$/.exec(value);
  const own = halves ? (halves[mode === "light" ? 1 : 2] ?? "") : value;
  const other = /^var\((--[\w-]+)\)$/.exec(own)?.[1];
  if (other) return colour(other, mode, hue);
  const [, l, c, h] = /^oklch\(([\d.]+) ([\d.]+) (\S+)\)$/.exec(own) ?? [];
  if (!l || !c || !h) throw new Error(`${name} has no plain colour: ${value}`);
  return hex(Number(l), Number(c), h === "var(--hue)" ? hue : Number(h));
}

/** OKLCH in sRGB, cut off where sRGB ends. */
function hex(lightness: number, chroma: number, hue: number): string {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const encoded = linear.map((part) => (part <= 0.0031308 ? part * 12.92 : 1.055 * part ** (1 / 2.4) - 0.055));
  const bytes = encoded.map((part) => Math.round(Math.min(1, Math.max(0, part)) * 255));
  return `#${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

const GROUNDS = ["--surface", "--sunken", "--raised", "--field", "--hover", "--selected", "--bubble", "--note"];
const WORDS = ["--ink", "--soft", "--quiet", "--accent", "--success", "--warning", "--danger"];
const ON = [
  ["--on-accent", "--accent"],
  ["--on-accent", "--accent-hover"],
  ["--on-danger", "--danger"],
  ["--on-danger", "--danger-hover"],
  ["--success", "--success-ground"],
  ["--warning", "--warning-ground"],
  ["--danger", "--danger-ground"],
  ["--ink", "--pressed"],
] as const;
const HUES = Array.from(tokens.matchAll(/\.hue-\d+ \{ --hue: (\d+); \}/g), ([, hue]) => Number(hue));

describe.each(["light", "dark"] as const)("in %s", (mode) => {
  test.each(GROUNDS.flatMap((ground) => WORDS.map((words) => [words, ground] as const)))("%s can be read on %s", (words, ground) => {
    expect(contrast(colour(words, mode), colour(ground, mode))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(ON)("%s can be read on %s", (words, ground) => {
    expect(contrast(colour(words, mode), colour(ground, mode))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(["--line", "--focus"])("%s can be seen on every ground", (edge) => {
    for (const ground of GROUNDS) expect(contrast(colour(edge, mode), colour(ground, mode)), ground).toBeGreaterThanOrEqual(3);
  });

  test("initials can be read on all twelve hues", () => {
    expect(HUES).toHaveLength(12);
    for (const hue of HUES) expect(contrast(colour("--words", mode, hue), colour("--ground", mode, hue)), `${hue}`).toBeGreaterThanOrEqual(4.5);
  });
});

describe("outside the tokens", () => {
  const everything = import.meta.glob<string>(["../{console,demo,widget}/**/*.{css,svelte}"], { query: "?raw", import: "default", eager: true });
  const sheets = Object.entries(everything).map(([file, text]) => {
    const style = file.endsWith(".css") ? text : Array.from(text.matchAll(/<style[^>]*>([^]*?)<\/style>/g), ([, inside]) => inside).join("\n");
    return [file, style.replace(/\/\*[^]*?\*\//g, "")] as const;
  });
  const used = new Set(sheets.flatMap(([, style]) => Array.from(style.matchAll(/var\((--[\w-]+)/g), ([, name = ""]) => name)));

  test.each(sheets)("%s has no colour and no duration of its own", (_, style) => {
    expect(style.match(/#[\da-f]{3,8}\b(?=[^{}]*[;}])|\b(?:rgb|hsl|oklch|oklab|lab|lch)a?\(|(?<!-)\b(?:black|white)\b(?!-)/gi) ?? []).toEqual([]);
    /* With reduced motion an animation lasts 1ms, so that its end still happens. */
    expect(style.match(/(?<![\w.])(?!1ms)(?:[1-9][\d.]*|0?\.\d+)m?s\b/g) ?? []).toEqual([]);
  });

  test("nobody uses a token that does not exist", () => {
    const made = new Set(sheets.flatMap(([, style]) => Array.from(style.matchAll(/(--[\w-]+):/g), ([, name = ""]) => name)));
    expect(Array.from(used).filter((name) => !declared.has(name) && !made.has(name))).toEqual([]);
  });
});
