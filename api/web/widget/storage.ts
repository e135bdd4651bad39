/** Where the widget keeps things in a visitor's browser: the names of the privacy policy's table, and no others. */

export const COOKIE = "helpr_vid";
export const COOKIE_SECONDS = 365 * 24 * 60 * 60;
export const LOCAL_NAMES = ["helpr_vid", "helpr_last", "helpr_chat", "helpr_ident", "helpr_custom"] as const;
export const TAB_NAME = "helpr_tabid";

export type LocalName = (typeof LOCAL_NAMES)[number];
type Name = LocalName | typeof TAB_NAME;

/** What a browser that forbids storage, or has no room left, keeps for the life of this page. */
const onThisPage = new Map<Name, string>();

function area(name: Name): Storage {
  return name === TAB_NAME ? window.sessionStorage : window.localStorage;
}

export function read(name: Name): string | null {
  const here = onThisPage.get(name);
  if (here !== undefined) return here;
  try {
    return area(name).getItem(name);
  } catch {
    return null;
  }
}

export function keep(name: Name, value: string): void {
  try {
    area(name).setItem(name, value);
    onThisPage.delete(name);
  } catch {
    onThisPage.set(name, value);
  }
}

export function drop(name: Name): void {
  onThisPage.delete(name);
  try {
    area(name).removeItem(name);
  } catch {
    // A browser that forbids storage has kept nothing.
  }
}

/** The JSON object kept under a name; null when there is none, or somebody else wrote something there. */
export function readObject(name: LocalName): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(read(name) ?? "null");
    return typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

/** The visitor's id, from the cookie or its backup. */
export function visitorId(): string | null {
  const pair = document.cookie.split("; ").find((part) => part.startsWith(`${COOKIE}=`));
  return pair?.slice(COOKIE.length + 1) || read("helpr_vid");
}

export function keepVisitorId(id: string): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${COOKIE}=${id}; Max-Age=${COOKIE_SECONDS}; Path=/; SameSite=Lax${secure}`;
  keep("helpr_vid", id);
}

/** Everything of this visitor leaves the browser. */
export function forgetVisitor(): void {
  LOCAL_NAMES.forEach(drop);
  document.cookie = `${COOKIE}=; Max-Age=0; Path=/; SameSite=Lax`;
}
