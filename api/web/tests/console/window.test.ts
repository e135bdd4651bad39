import { describe, expect, test } from "vitest";
import { anchor, anchored, revealed, ROW, shown } from "../../console/features/conversations/inbox/window";
import tokens from "../../tokens.css?raw";

const NONE = new Set<string>();

describe("a long list", () => {
  test("has rows as high as the tokens say", () => {
    expect(tokens).toContain(`--row: ${ROW}px;`);
  });

  test("draws what is seen and a little more, never what is not there", () => {
    expect(shown(0, 640, 1000)).toEqual({ from: 0, to: 18 });
    expect(shown(6400, 640, 1000)).toEqual({ from: 92, to: 118 });
    expect(shown(6400, 640, 5)).toEqual({ from: 5, to: 5 });
  });

  test("stands still when rows come above", () => {
    expect(anchored(["a", "b"], ["x", "y", "a", "b"], ROW, "b")).toBe(3 * ROW);
  });

  test("stands still when rows above go", () => {
    expect(anchored(["a", "b", "c"], ["b", "c"], 2 * ROW, "c")).toBe(ROW);
    expect(anchored(["a", "b"], ["b"], 0, "b")).toBe(0);
  });

  test("does not move for a row that is gone", () => {
    expect(anchored(["a", "b"], ["b"], ROW, "a")).toBe(ROW);
    expect(anchored(["a"], ["b", "a"], ROW, null)).toBe(ROW);
  });

  test("holds on to the wanted row, or to the first that does not move by itself", () => {
    const ids = ["a", "b", "c", "d"];
    expect(anchor(ids, ROW, 2 * ROW, "c", NONE)).toBe("c");
    expect(anchor(ids, ROW, 2 * ROW, "a", NONE)).toBe("b");
    expect(anchor(ids, ROW, 2 * ROW, "b", new Set(["b"]))).toBe("c");
    expect(anchor(ids, ROW, ROW, "b", new Set(["b"]))).toBe(null);
  });

  test("scrolls as little as needed to show a row", () => {
    expect(revealed(0, 500, 640)).toBe(0);
    expect(revealed(9, 0, 640)).toBe(0);
    expect(revealed(10, 0, 640)).toBe(ROW);
  });
});
