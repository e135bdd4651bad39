/** The visitor's conversation: what was said, what is on its way, and the stream that keeps it current. */

import { Delivery } from "./delivery";
import { history } from "./history";
import { uuid7 } from "./identifier";
import { Live, type Typing } from "./live";
import { Outbox } from "./outbox";
import { pause, wait } from "./patience";
import type { Session } from "./session";
import { applied, EMPTY, hasStrangers, isAgents, type Thread, unread, withPage } from "./thread";
import type { Change, LiveToken, Started } from "./wire";
import { TheirWriting } from "./writing";

/** Times a name is asked for before "Support" has to do. */
const INQUIRIES = 5;

export class Conversation {
  thread: Thread = EMPTY;
  isLoading = false;
  /** Null while nothing is followed. */
  isConnected: boolean | null = null;
  readonly outbox: Outbox;
  private followed: string | null = null;
  private secret: string | null = null;
  private readonly live: Live;
  private readonly writing: TheirWriting;

  constructor(
    origin: string,
    private readonly session: Session,
    private readonly onChange: () => void,
    private readonly onArrival: (change: Change) => void,
  ) {
    const delivery = new Delivery(session, (started) => this.follow(started), (gone) => this.leave(gone));
    this.outbox = new Outbox(delivery.deliver, delivery.keepUnsent, onChange);
    this.writing = new TheirWriting(onChange);
    const token = async (): Promise<string> =>
      (await session.ask<LiveToken>("POST", "/widget/v1/live-token", {})).token;
    this.live = new Live(`${origin.replace(/^http/, "ws")}/widget/v1/live`, token, {
      onChange: this.happened,
      onTyping: this.typed,
      onConnected: this.connected,
    });
  }

  /** A session has begun: somebody new starts with an empty page. */
  begin({ resumed }: Started): void {
    if (!resumed) this.forget();
    this.secret = this.session.chat?.secret ?? null;
    this.outbox.add(...(this.session.chat?.unsent ?? []));
    this.follow(this.session.chat?.conversation ?? null);
  }

  /** Another tab has started a conversation, or become somebody else. */
  catchUp(): void {
    const { secret = null, conversation = null } = this.session.chat ?? {};
    if (secret !== this.secret) this.stop();
    this.secret = secret;
    this.follow(conversation);
  }

  send(text: string): void {
    this.outbox.add({ id: uuid7(), text, at: new Date().toISOString() });
  }

  /** The name of the agent who is writing. */
  get writer(): string | null {
    const { id } = this.writing;
    return id && (this.thread.agents[id]?.name ?? "Support");
  }

  typing(on: boolean): void {
    this.live.typing(on);
  }

  /** The visitor has seen everything there is. */
  async readAll(): Promise<void> {
    const last = unread(this.thread).at(-1);
    if (!last || !this.followed) return;
    const receipts = { ...this.thread.receipts, visitor: last.sequence };
    this.thread = { ...this.thread, receipts };
    this.onChange();
    const path = `/widget/v1/conversations/${this.followed}/read`;
    await this.session.ask("PUT", path, { sequence: last.sequence }, uuid7()).catch(() => undefined);
  }

  /** The person is gone, and so is everything of theirs. */
  stop(): void {
    this.outbox.clear();
    this.forget();
  }

  private forget(): void {
    this.thread = EMPTY;
    this.followed = null;
    this.isLoading = false;
    this.live.unwatch();
    this.onChange();
  }

  private follow(conversation: string | null): void {
    if (!conversation || conversation === this.followed) return;
    this.thread = EMPTY;
    this.followed = conversation;
    this.isLoading = true;
    this.onChange();
    void this.load(conversation);
  }

  private async load(conversation: string, after = 0): Promise<void> {
    try {
      const page = await history(this.session, conversation, after);
      if (this.followed !== conversation) return;
      this.isLoading = false;
      this.become(withPage(this.thread, page));
      this.live.watch(conversation, () => this.thread.sequence);
    } catch {
      this.leave(conversation);
    }
  }

  /** Learns names that are not known yet; the live stream runs ahead of the pages, so a page may have to be asked again. */
  private async meet(conversation: string, after: number): Promise<void> {
    for (let attempt = 0; attempt < INQUIRIES && this.followed === conversation && hasStrangers(this.thread); attempt++) {
      await this.load(conversation, after);
      if (hasStrangers(this.thread)) await wait(pause(attempt));
    }
  }

  /** Helpr does not know this conversation (any more). */
  private leave(conversation: string): void {
    if (this.followed !== conversation) return;
    this.session.change({ conversation: null });
    this.forget();
  }

  private readonly happened = (change: Change): void => {
    const isNew = change.sequence > this.thread.sequence;
    this.become(applied(this.thread, change));
    if (!isNew || !isAgents(change)) return;
    this.writing.heard("", false);
    this.onArrival(change);
    if (this.followed) void this.meet(this.followed, change.sequence - 1);
  };

  private readonly typed = ({ who, on }: Typing): void => {
    if (who.kind === "agent") this.writing.heard(who.id, on);
  };

  private readonly connected = (isConnected: boolean): void => {
    this.isConnected = isConnected;
    if (isConnected) this.outbox.retryUnanswered();
    this.onChange();
  };

  private become(thread: Thread): void {
    this.thread = thread;
    this.outbox.settle(new Set(thread.changes.map((change) => change.id)));
    this.onChange();
  }
}
