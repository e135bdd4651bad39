import { describe, expect, test } from "vitest";
import { applied, empty, type Inbox, type InboxChange } from "../../console/features/conversations/inbox/inbox";
import { addressOf, questionOf, viewOf, type View } from "../../console/features/conversations/inbox/views";
import type { Row } from "../../console/shared/wire";
import { AMIR, minute, OLGA, row } from "./told";

const OPEN: View = { name: "open", status: "open", assignee: null, sort: "newest" };
const after = (...changes: readonly InboxChange[]): Inbox => changes.reduce(applied, empty(OPEN));
const inView = (view: View, ...changes: readonly InboxChange[]): Inbox => changes.reduce(applied, empty(view));
const ids = ({ rows }: Inbox): string[] => rows.map((one) => one.id);
const began = (rows: readonly Row[], next: string | null = null): InboxChange => ({ kind: "began", rows, next });
const heard = (...rows: readonly Row[]): InboxChange => ({ kind: "rows", rows });

const [a, b, c] = [row("a", { last_at: minute(3) }), row("b", { last_at: minute(2) }), row("c", { last_at: minute(1) })];

describe("the list", () => {
  test("is in the order of its view", () => {
    const rows = [b, { ...c, priority: "urgent" as const }, a];
    expect(ids(after(began(rows)))).toEqual(["a", "b", "c"]);
    expect(ids(inView({ ...OPEN, sort: "oldest" }, began(rows)))).toEqual(["c", "b", "a"]);
    expect(ids(inView({ ...OPEN, sort: "priority" }, began(rows)))).toEqual(["c", "a", "b"]);
  });

  test("takes up a new conversation, and moves one that goes on", () => {
    const list = after(began([a, b, c]), heard(row("d", { last_at: minute(4) })), heard({ ...c, last_at: minute(5), sequence: 2 }));
    expect(ids(list)).toEqual(["c", "d", "a", "b"]);
  });

  test("lets go of what no longer belongs to it", () => {
    expect(ids(after(began([a, b]), heard({ ...a, status: "resolved", sequence: 2 })))).toEqual(["b"]);
    const mine: View = { ...OPEN, name: "mine", assignee: OLGA };
    expect(ids(inView(mine, began([{ ...a, assignee: OLGA }]), heard({ ...a, assignee: AMIR, sequence: 2 })))).toEqual([]);
    const unassigned: View = { ...OPEN, name: "unassigned", assignee: "none" };
    expect(ids(inView(unassigned, began([a, b]), heard({ ...a, assignee: AMIR, sequence: 2 })))).toEqual(["b"]);
  });

  test("does not believe what is older than what it knows", () => {
    const newer = { ...a, sequence: 5, unread: 0 };
    expect(after(began([newer]), heard({ ...a, sequence: 4, unread: 3 })).rows[0]?.unread).toBe(0);
    expect(after(began([newer]), { kind: "page", rows: [{ ...a, sequence: 5, unread: 3 }], next: null }).rows[0]?.unread).toBe(0);
  });

  test("learns a name without anything new being said", () => {
    const named = { ...a, visitor: { ...a.visitor, name: "Mara" } };
    expect(after(began([a]), heard(named)).rows[0]?.visitor.name).toBe("Mara");
  });

  test("is the same live as after a reload", () => {
    const [moved, gone, fresh] = [{ ...c, last_at: minute(9), sequence: 2 }, { ...b, status: "resolved" as const, sequence: 2 }, row("d", { last_at: minute(7) })];
    const live = after(began([a, b, c]), heard(moved), heard(gone, fresh));
    expect(live).toEqual(after(began([moved, fresh, a])));
  });
});

describe("pages", () => {
  test("are joined, each conversation once", () => {
    expect(ids(after(began([a, b], "next"), { kind: "page", rows: [b, c], next: null }))).toEqual(["a", "b", "c"]);
  });

  test("what stands below the last one is not shown before its page is fetched", () => {
    const [d, e] = [row("d", { last_at: minute(0, 30) }), row("e", { last_at: minute(0, 10) })];
    const first = after(began([a, b, c], "next"), heard(e));
    expect(ids(first)).toEqual(["a", "b", "c"]);
    expect(ids(applied(first, { kind: "page", rows: [d, e], next: null }))).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("the last one moving away leaves no hole where the next page begins", () => {
    const list = after(began([a, b, c], "next"), heard({ ...c, last_at: minute(8), sequence: 2 }), heard(row("d", { last_at: minute(1, 30) })));
    expect(ids(list)).toEqual(["c", "a", "b", "d"]);
  });
});

describe("reading and erasing", () => {
  test("what was read is unread no more", () => {
    expect(after(began([{ ...a, unread: 4 }]), { kind: "read", conversation: "a" }).rows[0]?.unread).toBe(0);
  });

  test("an erased visitor leaves neither name nor words", () => {
    const list = after(began([a, b]), { kind: "erased", visitor: "v-a" });
    expect(JSON.stringify(list)).not.toMatch(/Visitor of a|words of a/);
    expect(list.rows[0]).toMatchObject({ visitor: { name: null, erased: true }, preview: { text: null, erased: true } });
    expect(list.rows[1]).toEqual(b);
  });
});

describe("a view and its address", () => {
  test("say the same", () => {
    for (const address of ["/inbox", "/inbox?view=mine", "/inbox?view=resolved&sort=priority", "/inbox/42?view=unassigned&sort=oldest"]) {
      const url = new URL(address, "https://helpr.example");
      expect(addressOf(viewOf(url.searchParams, OLGA), url.pathname.split("/")[2] ?? null)).toBe(address);
    }
  });

  test("an unknown view is all that is open", () => {
    expect(viewOf(new URLSearchParams("view=starred&sort=random"), OLGA)).toEqual(OPEN);
  });

  test("ask Helpr for a page", () => {
    expect(questionOf({ ...OPEN, name: "unassigned", assignee: "none" }, "c+1", 50)).toBe("/v1/conversations?status=open&sort=newest&limit=50&assignee=none&after=c%2B1");
  });
});
