import { beforeEach, describe, expect, test, vi } from "vitest";
import { commands, isCommandKey, rank, type Command } from "../../console/shared/commands.svelte";

const command = (key: string, run: () => void): Command => ({ id: key, title: key, group: "Go to", key, run });

describe("a key", () => {
  test("does what is offered, for as long as it is offered", () => {
    const run = vi.fn();
    const withdraw = commands.offer(() => [command("x", run)]);
    expect(commands.press("x")).toBe(true);
    withdraw();
    expect(commands.press("x")).toBe(false);
    expect(run).toHaveBeenCalledOnce();
  });
});

describe("a key is a command", () => {
  const pressedIn = (html: string, more: KeyboardEventInit = {}): boolean => {
    document.body.innerHTML = html;
    let is = false;
    const listen = (event: KeyboardEvent): void => void (is = isCommandKey(event));
    document.addEventListener("keydown", listen, { once: true });
    const target = document.querySelector("#t") ?? document.body;
    target.dispatchEvent(new KeyboardEvent("keydown", { key: "e", bubbles: true, cancelable: true, ...more }));
    return is;
  };
  beforeEach(() => (document.body.innerHTML = ""));

  test("outside of fields, dialogs and menus only", () => {
    expect(pressedIn("<p id=t></p>")).toBe(true);
    for (const html of ["<input id=t>", "<textarea id=t></textarea>", "<select id=t></select>", "<dialog open><p id=t></p></dialog>", "<div data-keys=own><p id=t></p></div>"]) {
      expect(pressedIn(html), html).toBe(false);
    }
  });

  test("and without a modifier, or while a word is being composed", () => {
    for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { isComposing: true }]) expect(pressedIn("<p id=t></p>", more)).toBe(false);
  });

  test("but Enter on a button presses the button", () => {
    expect(pressedIn("<button id=t></button>", { key: "Enter" })).toBe(false);
    expect(pressedIn("<p id=t></p>", { key: "Enter" })).toBe(true);
  });
});

describe("what is typed finds", () => {
  test("titles with all its words, in any order", () => {
    expect(rank("Leave a private note", "note priv")).toBeGreaterThan(0);
    expect(rank("Leave a private note", "note public")).toBe(0);
    expect(rank("anything", " ")).toBe(1);
  });

  test("beginnings before middles", () => {
    expect(rank("Resolve", "re")).toBeGreaterThan(rank("Set a reminder", "re"));
    expect(rank("Set a reminder", "re")).toBeGreaterThan(rank("Unread", "re"));
  });
});
