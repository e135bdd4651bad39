/** Which rows of a long list are drawn, and how the list stands still when rows come and go above. */

/** The height of a row; `--row` in tokens.css. */
export const ROW = 64;
const SPARE = 8;

export interface Shown {
  readonly from: number;
  readonly to: number;
}

export function shown(scrollTop: number, height: number, count: number): Shown {
  const first = Math.floor(scrollTop / ROW) - SPARE;
  const last = Math.ceil((scrollTop + height) / ROW) + SPARE;
  return { from: Math.max(0, Math.min(first, count)), to: Math.max(0, Math.min(last, count)) };
}

/** The visible row that should stay where it is: the wanted one, or else the first that does not move by itself. */
export function anchor(ids: readonly string[], scrollTop: number, height: number, wanted: string | null, moving: ReadonlySet<string>): string | null {
  const from = Math.floor(scrollTop / ROW);
  const visible = ids.slice(from, Math.ceil((scrollTop + height) / ROW)).filter((id) => !moving.has(id));
  return visible.find((id) => id === wanted) ?? visible[0] ?? null;
}

/** Where the list must be scrolled to, so that the row stays where it was on the screen. */
export function anchored(before: readonly string[], after: readonly string[], scrollTop: number, row: string | null): number {
  if (row === null) return scrollTop;
  const [old, now] = [before.indexOf(row), after.indexOf(row)];
  return old < 0 || now < 0 ? scrollTop : Math.max(0, scrollTop + (now - old) * ROW);
}

/** How far to scroll so that the row at this index is seen whole. */
export function revealed(index: number, scrollTop: number, height: number): number {
  const top = index * ROW;
  return Math.max(Math.min(scrollTop, top), top + ROW - height);
}
