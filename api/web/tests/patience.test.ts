import { expect, test } from "vitest";
import { uuid7 } from "../widget/identifier";
import { pause } from "../widget/patience";
import { dayOf } from "../widget/times";

test("waiting doubles up to half a minute, and half of it is drawn by lot", () => {
  expect([0, 1, 2, 3, 20].map((attempt) => pause(attempt, () => 1))).toEqual([500, 1_000, 2_000, 4_000, 30_000]);
  expect(pause(3, () => 0)).toBe(2_000);
});

test("an id is a UUIDv7 that carries its millisecond", () => {
  const id = uuid7(0x0192_f000_abcd);
  expect(id).toMatch(/^0192f000-abcd-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuid7(1)).not.toBe(uuid7(1));
});

test("a day is called as people call it", () => {
  const now = new Date(2026, 2, 4, 0, 5);
  const called = (year: number, month: number, day: number): string => dayOf(new Date(year, month, day, 23, 55).toISOString(), now);
  expect([called(2026, 2, 4), called(2026, 2, 3), called(2026, 1, 28), called(2026, 1, 1), called(2025, 1, 1)]).toEqual([
    "Today",
    "Yesterday",
    "Saturday",
    "February 1",
    "February 1, 2025",
  ]);
});
