/** Messages and notes on their way. Nothing leaves the outbox before Helpr has taken it, not even by reloading. */

import { pause, waitOrOnline } from "../../../../widget/patience";
import { Refused, saying, write } from "../../../shared/door";
import { store, stored } from "../../../shared/stored";
import type { Sending } from "../../../shared/thread/timeline";
import type { Done } from "../../../shared/wire";

/** Attempts before the agent is asked; a lost connection is waited for, and comes on top. */
const ATTEMPTS = 4;

export class Outbox {
  all = $state.raw<readonly Sending[]>([]);
  private readonly busy = new Set<string>();

  /** What an earlier page had not sent waits for a word of the agent. */
  restore(): void {
    const kept = stored("unsent");
    if (!Array.isArray(kept)) return;
    this.set((kept as Sending[]).map((one) => ({ ...one, state: "failed", problem: "The page was closed before it was sent." })));
  }

  of(conversation: string): readonly Sending[] {
    return this.all.filter((one) => one.conversation === conversation);
  }

  send(message: Pick<Sending, "id" | "conversation" | "kind" | "text">): void {
    this.set([...this.all, { ...message, at: new Date().toISOString(), state: "sending", problem: "" }]);
    void this.work(message.conversation);
  }

  retry(id: string): void {
    this.mark(id, "sending");
    const message = this.all.find((one) => one.id === id);
    if (message) void this.work(message.conversation);
  }

  /** Tries once more what got no answer, as when the connection is back. */
  retryUnanswered(): void {
    this.all.filter((one) => one.state === "failed" && !one.problem).forEach((one) => this.retry(one.id));
  }

  /** Takes a message out, and gives back its words. */
  take(id: string): Sending | undefined {
    const message = this.all.find((one) => one.id === id && one.state === "failed");
    if (message) this.set(this.all.filter((one) => one !== message));
    return message;
  }

  /** Forgets what has arrived in the thread. */
  settle(id: string | null): void {
    if (this.all.some((one) => one.id === id)) this.set(this.all.filter((one) => one.id !== id));
  }

  drop(conversation: string): void {
    this.set(this.all.filter((one) => one.conversation !== conversation));
  }

  /** One after the other within a conversation, so that they arrive in their order. */
  private async work(conversation: string): Promise<void> {
    if (this.busy.has(conversation)) return;
    this.busy.add(conversation);
    const next = (): Sending | undefined => this.of(conversation).find((one) => one.state === "sending");
    for (let one = next(); one; one = next()) await this.deliver(one);
    this.busy.delete(conversation);
  }

  private async deliver({ id, conversation, kind, text }: Sending): Promise<void> {
    const path = `/v1/conversations/${conversation}/${kind === "note" ? "notes" : "messages"}`;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        await write<Done>("POST", path, { id, text }, id);
        return this.mark(id, "sent");
      } catch (problem) {
        const refused = problem instanceof Refused ? problem : null;
        if (refused?.status === 401) return this.mark(id, "failed");
        if (refused && !refused.isPassing) return this.mark(id, "failed", saying(refused));
        if (attempt < ATTEMPTS - 1) await waitOrOnline(Math.max(pause(attempt), (refused?.waitSeconds ?? 0) * 1000));
      }
    }
    this.mark(id, "failed");
  }

  private mark(id: string, state: Sending["state"], problem = ""): void {
    this.set(this.all.map((one) => (one.id === id ? { ...one, state, problem } : one)));
  }

  private set(all: readonly Sending[]): void {
    this.all = all;
    store("unsent", all.filter((one) => one.state !== "sent"));
  }
}
