import { describe, expect, test } from "vitest";
import { accentRule, contrast, textOn } from "../widget/colour";

describe("words on an organisation's accent", () => {
  test("can be read by everybody, whatever the accent", () => {
    const steps = ["00", "33", "66", "80", "99", "cc", "ff"];
    for (const red of steps) for (const green of steps) for (const blue of steps) {
      const accent = `#${red}${green}${blue}`;
      expect(contrast(accent, textOn(accent)), accent).toBeGreaterThanOrEqual(4.5);
    }
  });

  test("are measured as WCAG does", () => {
    expect(contrast("#000", "#fff")).toBeCloseTo(21);
    expect(contrast("#fff", "#ffffff")).toBe(1);
    expect(contrast("#767676", "#fff")).toBeCloseTo(4.54, 2);
  });
});

test("only a hex colour becomes a rule: nothing else of the page's gets into the style", () => {
  expect(accentRule("#fc0")).toBe(":host { --accent: #fc0; --on-accent: #000; }");
  for (const odd of [null, "", "red", "#12345", "#fff; } * { display: none", "url(x)"]) expect(accentRule(odd)).toBe("");
});
