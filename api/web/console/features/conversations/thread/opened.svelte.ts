/** A conversation that is open: its thread, its visitor, who is writing, and how far it was read. */

import { uuid7 } from "../../../../widget/identifier";
import { read, readSoon, Refused, saying, write } from "../../../shared/door";
import { whyErased } from "../../../shared/erasure";
import { applied, EMPTY, erased, lastOfVisitor, opened, withPage, withReceipt, type Thread } from "../../../shared/thread/thread";
import type { Change, ChangesPage, ConversationPage, Visitor } from "../../../shared/wire";
import { Writers } from "./writers.svelte";

const PAGE = 50;

export class Opened {
  thread = $state.raw<Thread>(EMPTY);
  visitor = $state.raw<Visitor | null>(null);
  state = $state<"loading" | "ready" | "failed" | "unknown">("loading");
  problem = $state("");
  isPaging = $state(false);
  /** What this agent had not seen when they opened it begins after this sequence. */
  newAfter = $state<number | null>(null);
  /** Why the words are gone, when they are. */
  erasure = $state("");
  readonly writers = new Writers();
  private reading = 0;

  constructor(readonly id: string) {}

  async load(): Promise<void> {
    this.problem = "";
    if (this.state !== "ready") this.state = "loading";
    try {
      const page = await readSoon<ConversationPage>(`/v1/conversations/${this.id}?limit=${PAGE}`);
      this.thread = opened(page, this.thread);
      this.visitor = page.visitor;
      if (page.visitor.erased) this.erase();
      this.newAfter = lastOfVisitor(this.thread) > page.receipts.agent ? page.receipts.agent : null;
      this.state = "ready";
    } catch (problem) {
      this.problem = saying(problem);
      const isUnknown = problem instanceof Refused && (problem.status === 404 || problem.status === 422);
      this.state = isUnknown ? "unknown" : this.state === "ready" ? "ready" : "failed";
    }
  }

  async older(): Promise<void> {
    const before = this.thread.changes[0]?.sequence;
    if (!before || !this.thread.hasMore || this.isPaging) return;
    this.isPaging = true;
    try {
      const page = await read<ChangesPage>(`/v1/conversations/${this.id}/changes?before=${before}&limit=${PAGE}`);
      this.thread = withPage(this.thread, page);
      if (this.visitor?.erased) this.erase();
      this.problem = "";
    } catch (problem) {
      this.problem = saying(problem);
    } finally {
      this.isPaging = false;
    }
  }

  happened(change: Change, isAttended: boolean): void {
    const isVisitors = change.kind === "message" && change.author?.kind === "visitor";
    if (isVisitors && !isAttended) this.newAfter ??= change.sequence - 1;
    if (change.author) this.writers.heard(change.author, false);
    this.thread = applied(this.thread, change);
  }

  /** What an agent is about to do, shown at once. */
  suppose(standing: Partial<Pick<Thread, "status" | "priority" | "assignee">>): void {
    this.thread = { ...this.thread, ...standing };
  }

  /** Not a word of the person stays on the screen. */
  erase(): void {
    this.thread = erased(this.thread);
    this.writers.clear();
    if (this.visitor) this.visitor = { ...this.visitor, name: null, email: null, phone: null, device: null, place: null, page: null, erased: true };
    void this.explain();
  }

  /** The agent has everything there is before their eyes. */
  async readAll(): Promise<boolean> {
    const last = lastOfVisitor(this.thread);
    if (this.state !== "ready" || last <= Math.max(this.thread.receipts.agent, this.reading)) return false;
    this.reading = last;
    try {
      await write("PUT", `/v1/conversations/${this.id}/read`, { sequence: last }, uuid7());
      this.thread = withReceipt(this.thread, "agent", last);
      return true;
    } catch {
      this.reading = 0;
      return false;
    }
  }

  private async explain(): Promise<void> {
    if (this.visitor && !this.erasure) this.erasure = await whyErased(this.visitor.id);
  }
}
