/** The trail of one conversation, all of it, and what the conversation looked like at a moment. */

import { read, Refused, saying } from "../../shared/door";
import { whyErased } from "../../shared/erasure";
import { EMPTY, erased, type Thread } from "../../shared/thread/thread";
import type { ConversationPage, Entry, Moment, TrailPage, Visitor } from "../../shared/wire";

const PAGE = 200;
const SETTLES = 120;

export class Trail {
  entries = $state.raw<readonly Entry[]>([]);
  visitor = $state.raw<Visitor | null>(null);
  state = $state<"loading" | "ready" | "failed" | "unknown">("loading");
  problem = $state("");
  moment = $state.raw<Moment | null>(null);
  momentProblem = $state("");
  /** Why the words are gone, when they are. */
  erasure = $state("");
  private wanted = "";
  private settling: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly conversation: string) {}

  async load(): Promise<void> {
    this.state = "loading";
    try {
      const { visitor } = await read<ConversationPage>(`/v1/conversations/${this.conversation}?limit=1`);
      this.visitor = visitor;
      if (visitor.erased) this.erasure = await whyErased(visitor.id);
      await this.fetchEntries();
      this.state = "ready";
      const last = this.entries.at(-1);
      if (last) this.show(last.at);
    } catch (problem) {
      this.problem = saying(problem);
      this.state = problem instanceof Refused && (problem.status === 404 || problem.status === 422) ? "unknown" : "failed";
    }
  }

  /** What it looked like at this time; asked once the choosing has come to rest. */
  show(at: string): void {
    this.wanted = at;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => void this.fetchMoment(at), this.moment ? SETTLES : 0);
  }

  /** The thread as it was. */
  get thread(): Thread | null {
    const { moment } = this;
    if (!moment) return null;
    const { changes, receipts, status, priority, assignee } = moment;
    const thread = { ...EMPTY, changes, receipts, status, priority, assignee, sequence: changes.at(-1)?.sequence ?? 0 };
    return this.visitor?.erased ? erased(thread) : thread;
  }

  async forget(): Promise<void> {
    if (!this.visitor) return;
    this.visitor = { ...this.visitor, name: null, email: null, phone: null, erased: true };
    this.erasure = await whyErased(this.visitor.id);
  }

  private async fetchEntries(): Promise<void> {
    let entries: readonly Entry[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page: TrailPage = await read(`/v1/conversations/${this.conversation}/trail?after=${after}&limit=${PAGE}`);
      entries = [...entries, ...page.entries];
      after = page.entries.length ? page.next : null;
    }
    this.entries = entries;
  }

  private async fetchMoment(at: string): Promise<void> {
    try {
      const moment = await read<Moment>(`/v1/conversations/${this.conversation}/moment?at=${encodeURIComponent(at)}`);
      if (this.wanted === at) [this.moment, this.momentProblem] = [moment, ""];
    } catch (problem) {
      if (this.wanted === at) this.momentProblem = saying(problem);
    }
  }
}
