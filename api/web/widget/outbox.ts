/** Messages on their way. Nothing leaves the outbox before Helpr has taken it, not even by closing the tab. */

import type { Unsent } from "./chat";
import { Refused } from "./door";
import { pause, waitOrOnline } from "./patience";

export interface Sending extends Unsent {
  readonly state: "sending" | "sent" | "failed";
  readonly problem: string;
}

/** Attempts before the visitor is asked; a lost connection is waited for, and comes on top. */
const ATTEMPTS = 4;

export type Deliver = (message: Unsent) => Promise<void>;

export class Outbox {
  private messages: readonly Sending[] = [];
  private isBusy = false;

  constructor(
    private readonly deliver: Deliver,
    private readonly keepUnsent: (unsent: readonly Unsent[]) => void,
    private readonly onChange: () => void,
  ) {}

  get all(): readonly Sending[] {
    return this.messages;
  }

  /** Accepts messages in their order and starts delivering them. */
  add(...messages: readonly Unsent[]): void {
    const known = new Set(this.messages.map((one) => one.id));
    const added = messages.filter((one) => !known.has(one.id));
    this.set([...this.messages, ...added.map((one) => ({ ...one, state: "sending" as const, problem: "" }))]);
    void this.work();
  }

  retry(id: string): void {
    this.mark(id, "sending");
    void this.work();
  }

  /** Tries once more what got no answer, as when the connection is back. What was refused waits for the visitor. */
  retryUnanswered(): void {
    this.messages.filter((one) => one.state === "failed" && !one.problem).forEach((one) => this.retry(one.id));
  }

  /** Forgets messages that have arrived in the thread. */
  settle(arrived: ReadonlySet<string | null>): void {
    const left = this.messages.filter((one) => !arrived.has(one.id));
    if (left.length < this.messages.length) this.set(left);
  }

  clear(): void {
    this.set([]);
  }

  private async work(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    for (let next = this.next(); next; next = this.next()) await this.send(next);
    this.isBusy = false;
  }

  private next(): Sending | undefined {
    return this.messages.find((one) => one.state === "sending");
  }

  private async send({ id, text, at }: Sending): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        await this.deliver({ id, text, at });
        return this.mark(id, "sent");
      } catch (problem) {
        const refused = problem instanceof Refused ? problem : null;
        if (refused && !refused.isPassing) return this.mark(id, "failed", reasonOf(refused));
        if (attempt < ATTEMPTS - 1) await waitOrOnline(Math.max(pause(attempt), (refused?.waitSeconds ?? 0) * 1000));
      }
    }
    this.mark(id, "failed");
  }

  private mark(id: string, state: Sending["state"], problem = ""): void {
    this.set(this.messages.map((one) => (one.id === id ? { ...one, state, problem } : one)));
  }

  private set(messages: readonly Sending[]): void {
    this.messages = messages;
    this.keepUnsent(messages.filter((one) => one.state !== "sent").map(({ id, text, at }) => ({ id, text, at })));
    this.onChange();
  }
}

function reasonOf({ status, detail }: Refused): string {
  return status === 413 ? "It is too long." : detail || "It was refused.";
}
