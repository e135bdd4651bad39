/** What the days add up to, and the sentence that says it. */

import type { Day } from "../../shared/wire";
import { counted } from "../../shared/words";

export interface Range {
  readonly first: string;
  readonly last: string;
}

const DAY = 86_400_000;
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "long", timeZone: "UTC" });
const DATE = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });

export const RANGES = [7, 14, 30, 90] as const;

/** The last so many days, today included. */
export function lastDays(count: number, now: Date): Range {
  const today = Date.UTC(now.getFullYear(), now.getMonth(), now.getDate());
  return { first: isoDay(today - (count - 1) * DAY), last: isoDay(today) };
}

export function isRange({ first, last }: Range): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(first) && /^\d{4}-\d{2}-\d{2}$/.test(last) && first <= last;
}

/** Every day of the range, with zeros where Helpr says nothing. */
export function everyDay(days: readonly Day[], { first, last }: Range): readonly Day[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const filled: Day[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += DAY) {
    const day = isoDay(at);
    filled.push(known.get(day) ?? { day, conversations: 0, visitor_messages: 0, agent_messages: 0, resolved: 0 });
  }
  return filled;
}

export function total(days: readonly Day[], of: (day: Day) => number): number {
  return days.reduce((sum, day) => sum + of(day), 0);
}

/** "Mon" or "3 Mar". */
export function dayName(day: string): string {
  return DATE.format(new Date(day));
}

export function conversationsSay(days: readonly Day[]): string {
  const all = total(days, (day) => day.conversations);
  if (all === 0) return "No conversation was started";
  const most = days.reduce((one, other) => (other.conversations > one.conversations ? other : one));
  const busy = days.length - days.findIndex((day) => day.conversations > 0);
  const average = Math.round(all / busy);
  const usual = average > 0 && busy > 1 ? `, ${average} a day` : "";
  return `${counted(all, "conversation")} started${usual}, most on ${WEEKDAY.format(new Date(most.day))}, ${dayName(most.day)}`;
}

export function messagesSay(days: readonly Day[]): string {
  const [visitors, agents] = [total(days, (day) => day.visitor_messages), total(days, (day) => day.agent_messages)];
  if (visitors + agents === 0) return "Nobody wrote";
  if (visitors === 0) return `Agents wrote ${counted(agents, "message")}, visitors none`;
  return `Agents wrote ${(agents / visitors).toFixed(1)} messages for every one from a visitor`;
}

export function resolvedSay(days: readonly Day[]): string {
  const [started, resolved] = [total(days, (day) => day.conversations), total(days, (day) => day.resolved)];
  if (resolved === 0) return "No conversation was resolved";
  if (started === 0) return `${counted(resolved, "conversation")} resolved`;
  return resolved >= started ? `${resolved.toLocaleString("en")} resolved: the pile has not grown` : `${Math.round((resolved / started) * 100)} resolved for every 100 started`;
}

/** A round number at or above the highest value: the top of a chart. */
export function ceiling(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, highest)));
  const step = [1, 1.5, 2, 3, 4, 6, 8, 10].find((one) => one * power >= highest) ?? 10;
  return Math.max(4, step * power);
}

function isoDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
