/** What the console keeps in the browser: texts until the tab is closed, the chosen look for longer. */

const NAMES = { drafts: "helpr_console_drafts", unsent: "helpr_console_unsent" } as const;
const LOOK = "helpr_console_look";

export type StoredName = keyof typeof NAMES;

/** A browser that forbids storage keeps nothing, and the page goes on without. */
function quietly<Value>(act: () => Value, otherwise: Value): Value {
  try {
    return act();
  } catch {
    return otherwise;
  }
}

export function stored(name: StoredName): unknown {
  return quietly((): unknown => JSON.parse(sessionStorage.getItem(NAMES[name]) ?? "null"), null);
}

export function store(name: StoredName, value: unknown): void {
  quietly(() => sessionStorage.setItem(NAMES[name], JSON.stringify(value)), undefined);
}

export function forgetStored(): void {
  quietly(() => Object.values(NAMES).forEach((name) => sessionStorage.removeItem(name)), undefined);
}

export function storedLook(): string | null {
  return quietly(() => localStorage.getItem(LOOK), null);
}

export function storeLook(look: string | null): void {
  quietly(() => (look ? localStorage.setItem(LOOK, look) : localStorage.removeItem(LOOK)), undefined);
}
