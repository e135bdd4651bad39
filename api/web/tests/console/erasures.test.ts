import { beforeEach, describe, expect, test, vi } from "vitest";
import { Erased } from "../../console/features/compliance/erasures.svelte";

const PAGE = 2;
const asked = vi.fn<(path: string) => Promise<Response>>();
let people: string[];

const erasure = (visitor: string) => ({ visitor, reason: "requested", state: "proved", decided_at: "", shredded_at: null, proved_at: null, keys: 1 });
const shown = (erased: Erased): unknown => erased.all?.map((one) => one.visitor);

beforeEach(() => {
  people = ["e", "d", "c", "b", "a"];
  asked.mockReset().mockImplementation(async (path) => {
    const after = new URL(path, "https://helpr.example").searchParams.get("after");
    const from = after === null ? 0 : people.indexOf(after) + 1;
    const page = people.slice(from, from + PAGE);
    return new Response(JSON.stringify({ erasures: page.map(erasure), next: from + PAGE < people.length ? page.at(-1) : null }));
  });
  vi.stubGlobal("fetch", asked);
});

describe("the erasures", () => {
  test("are fetched page by page, down to the first there was", async () => {
    const erased = new Erased();
    await erased.load();
    expect([shown(erased), erased.hasMore]).toEqual([["e", "d"], true]);
    await erased.more();
    await erased.more();
    expect([shown(erased), erased.hasMore]).toEqual([["e", "d", "c", "b", "a"], false]);
  });

  test("are looked at anew as far as they are shown, with whoever was erased meanwhile", async () => {
    const erased = new Erased();
    await erased.load();
    await erased.more();
    people = ["f", ...people];
    await erased.load();
    expect([shown(erased), erased.hasMore]).toEqual([["f", "e", "d", "c"], true]);
  });

  test("that were asked for last are shown, whichever answer comes first", async () => {
    const erased = new Erased();
    let late: (answer: Response) => void = () => {};
    asked.mockReturnValueOnce(new Promise((resolve) => (late = resolve)));
    const first = erased.load();
    await erased.load();
    late(new Response(JSON.stringify({ erasures: [erasure("old")], next: null })));
    await first;
    expect([shown(erased), erased.hasMore]).toEqual([["e", "d"], true]);
  });

  test("stay when the next ones cannot be fetched, which is said", async () => {
    const erased = new Erased();
    await erased.load();
    asked.mockRejectedValueOnce(new TypeError("no network"));
    await erased.more();
    expect(shown(erased)).toEqual(["e", "d"]);
    expect(erased.problem).not.toBe("");
    await erased.more();
    expect([shown(erased), erased.problem]).toEqual([["e", "d", "c", "b"], ""]);
  });
});
