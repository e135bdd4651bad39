/** Times as agents read them: short beside a row, exact on hover. */

import { dayOf, exactly, minuteOf } from "../../widget/times";

export { dayOf, exactly, minuteOf };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "short" });
const DATE = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const DATE_AND_YEAR = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const SECOND = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });

/** "now", "5 min", "3 h", a weekday within the last week, else the date. */
export function ago(at: string, now: Date): string {
  const day = new Date(at);
  const since = now.getTime() - day.getTime();
  if (since < MINUTE) return "now";
  if (since < HOUR) return `${Math.floor(since / MINUTE)} min`;
  if (since < DAY) return `${Math.floor(since / HOUR)} h`;
  if (since < 6 * DAY) return WEEKDAY.format(day);
  return dateOf(at, now);
}

/** "now", "5 min ago", "on Tuesday", "on 3 Mar". */
export function since(at: string, now: Date): string {
  const short = ago(at, now);
  if (short === "now") return short;
  return /^\d+ (?:min|h)$/.test(short) ? `${short} ago` : `on ${short}`;
}

/** "3 Mar", with the year when it is another one. */
export function dateOf(at: string, now: Date): string {
  const day = new Date(at);
  return (day.getFullYear() === now.getFullYear() ? DATE : DATE_AND_YEAR).format(day);
}

/** How long somebody has been waiting: "< 1 min", "12 min", "3 h", "2 d". */
export function waited(since: string, now: Date): string {
  const passed = Math.max(0, now.getTime() - new Date(since).getTime());
  if (passed < MINUTE) return "< 1 min";
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min`;
  return passed < 2 * DAY ? `${Math.floor(passed / HOUR)} h` : `${Math.floor(passed / DAY)} d`;
}

/** "3 Mar, 10:04:12". */
export function secondOf(at: string, now: Date): string {
  return `${dateOf(at, now)}, ${SECOND.format(new Date(at))}`;
}
