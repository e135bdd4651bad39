/** The inbox on the screen: fills its view page by page, and keeps it current from the live stream. */

import { look, read, saying } from "../../../shared/door";
import type { Counts, InboxPage, Row } from "../../../shared/wire";
import { applied, empty, type Inbox as List, type InboxChange } from "./inbox";
import { questionOf, type View } from "./views";

const PAGE = 50;
const MOST = 100;
const COUNT_AFTER = 1_000;

export class Inbox {
  list = $state.raw<List | null>(null);
  counts = $state.raw<Counts | null>(null);
  state = $state<"loading" | "ready" | "failed">("loading");
  problem = $state("");
  isPaging = $state(false);
  /** What the stream says while a page is on its way, which may be older. */
  private heard: InboxChange[] | null = null;
  private counting: ReturnType<typeof setTimeout> | undefined;

  /** Told from where to follow the live stream, each time the list was read anew. */
  constructor(private readonly onPosition: (position: number) => void) {}

  get rows(): readonly Row[] {
    return this.list?.rows ?? [];
  }

  async show(view: View): Promise<void> {
    const shown = this.list?.view;
    if (shown && shown.name === view.name && shown.sort === view.sort && shown.assignee === view.assignee) return;
    this.list = empty(view);
    this.state = "loading";
    this.count();
    await this.fill(PAGE);
  }

  /** Reads as much as was there before. */
  async reload(): Promise<void> {
    this.count();
    if (this.state !== "ready") this.state = "loading";
    await this.fill(Math.max(PAGE, Math.min(MOST, this.rows.length)));
  }

  async more(): Promise<void> {
    const { list } = this;
    if (!list?.next || this.isPaging || this.state !== "ready") return;
    this.isPaging = true;
    try {
      const page = await read<InboxPage>(questionOf(list.view, list.next, PAGE));
      if (this.list?.view === list.view) this.change({ kind: "page", rows: page.conversations, next: page.next });
      this.problem = "";
    } catch (problem) {
      this.problem = saying(problem);
    } finally {
      this.isPaging = false;
    }
  }

  change(change: InboxChange): void {
    this.heard?.push(change);
    if (this.list) this.list = applied(this.list, change);
    if (change.kind === "rows") this.count();
  }

  private async fill(limit: number): Promise<void> {
    const view = this.list?.view;
    if (!view) return;
    const heard: InboxChange[] = (this.heard = []);
    try {
      const { body, position } = await look<InboxPage>(questionOf(view, null, limit));
      if (this.list?.view !== view) return;
      const began = applied(this.list, { kind: "began", rows: body.conversations, next: body.next });
      this.list = heard.reduce(applied, began);
      this.state = "ready";
      this.onPosition(position);
    } catch (problem) {
      if (this.list?.view !== view) return;
      this.problem = saying(problem);
      this.state = "failed";
    } finally {
      if (this.heard === heard) this.heard = null;
    }
  }

  /** Soon, and once for a burst of changes. */
  count(): void {
    this.counting ??= setTimeout(() => void this.recount(), this.counts ? COUNT_AFTER : 0);
  }

  private async recount(): Promise<void> {
    this.counting = undefined;
    try {
      const { body, position } = await look<Counts>("/v1/conversations/counts");
      this.counts = body;
      this.onPosition(position);
    } catch {
      // The counts of before stand until the next change.
    }
  }
}
