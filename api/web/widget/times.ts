/** Days and minutes in the visitor's own words. */

const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "long" });
const DATE = new Intl.DateTimeFormat("en", { day: "numeric", month: "long" });
const DATE_AND_YEAR = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY = 86_400_000;

export function minuteOf(at: string): string {
  return MINUTE.format(new Date(at));
}

export function exactly(at: string): string {
  return EXACT.format(new Date(at));
}

/** "Today", "Yesterday", a weekday within the last week, else the date. */
export function dayOf(at: string, now: Date): string {
  const day = new Date(at);
  const ago = Math.round((midnight(now) - midnight(day)) / DAY);
  if (ago <= 0) return "Today";
  if (ago === 1) return "Yesterday";
  if (ago < 7) return WEEKDAY.format(day);
  return (day.getFullYear() === now.getFullYear() ? DATE : DATE_AND_YEAR).format(day);
}

function midnight(day: Date): number {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}
