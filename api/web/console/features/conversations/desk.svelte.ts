/** The agent's desk: the inbox, the conversations opened lately, what is being sent, and the stream that keeps them current. */

import { write } from "../../shared/door";
import { forgotten } from "../../shared/forgotten.svelte";
import { Live } from "../../shared/live/live";
import { session } from "../../shared/session.svelte";
import { voice } from "../../shared/voice.svelte";
import type { Change, LiveToken, Row } from "../../shared/wire";
import { visitorName } from "../../shared/words";
import { Inbox } from "./inbox/inbox.svelte";
import { Opened } from "./thread/opened.svelte";
import { keepDraft, NO_DRAFT } from "./writing/drafts";
import { Outbox } from "./writing/outbox.svelte";

/** Conversations kept at hand, so that going back to one shows it at once. */
const AT_HAND = 12;
/** News of this long are announced in one sentence. */
const GATHERED = 1_000;

class Desk {
  current = $state.raw<Opened | null>(null);
  /** Null before the first connection. */
  isConnected = $state<boolean | null>(null);
  readonly outbox = new Outbox();
  readonly inbox = new Inbox((position) => this.live.follow(position));
  /** Who wrote since it was last announced. */
  private readonly news = new Set<string>();
  private announcing: ReturnType<typeof setTimeout> | undefined;
  private readonly atHand = new Map<string, Opened>();
  readonly live = new Live(
    `${location.origin.replace(/^http/, "ws")}/v1/live`,
    async () => (await write<LiveToken>("POST", "/v1/session/live-token", {})).token,
    {
      onRows: (rows) => this.heard(rows),
      onReload: () => this.reload(),
      onChange: (conversation, change) => this.happened(conversation, change),
      onTyping: (conversation, who, isWriting) => {
        if (!session.isMe(who.id)) this.atHand.get(conversation)?.writers.heard(who, isWriting);
      },
      onErased: (visitor) => this.erase(visitor),
      onConnected: (isConnected) => this.connected(isConnected),
    },
  );

  begin(): void {
    this.outbox.restore();
    this.live.start();
    this.inbox.count();
  }

  /** Goes on after signing in again. */
  resume(): void {
    this.live.wake();
    this.outbox.retryUnanswered();
  }

  end(): void {
    this.live.stop();
    this.atHand.clear();
    this.current = null;
  }

  open(id: string | null): void {
    if (this.current?.id === id) return;
    if (this.current) this.live.unwatch(this.current.id);
    this.current = id === null ? null : this.taken(id);
    if (this.current) void this.follow(this.current);
  }

  /** Asks once more for a conversation that could not be fetched. */
  async follow(opened: Opened): Promise<void> {
    await opened.load();
    if (this.current !== opened || opened.state !== "ready") return;
    this.live.watch(opened.id, () => opened.thread.sequence);
    this.attend();
  }

  /** The agent looks at the page: what is open has been read. */
  attend(): void {
    const { current } = this;
    if (!current || !isAttended() || !session.may("converse")) return;
    void current.readAll().then((isRead) => isRead && this.inbox.change({ kind: "read", conversation: current.id }));
  }

  private taken(id: string): Opened {
    const opened = this.atHand.get(id) ?? new Opened(id);
    this.atHand.delete(id);
    this.atHand.set(id, opened);
    for (const old of [...this.atHand.keys()].slice(0, -AT_HAND)) this.atHand.delete(old);
    return opened;
  }

  private heard(rows: readonly Row[]): void {
    for (const { id, visitor, unread, preview, assignee } of rows) {
      if (assignee) session.know(assignee);
      const known = this.inbox.rows.find((row) => row.id === id);
      if (visitor.erased && !forgotten.has(visitor.id)) this.erase(visitor.id);
      const isNews = preview?.author === "visitor" && unread > (known?.unread ?? 0) && id !== this.current?.id;
      if (isNews) this.news.add(visitorName(visitor));
    }
    this.inbox.change({ kind: "rows", rows });
    if (this.news.size) this.announcing ??= setTimeout(() => this.announce(), GATHERED);
  }

  private announce(): void {
    const [first = "", ...others] = this.news;
    voice.announce(others.length ? `New messages in ${others.length + 1} conversations` : `New message from ${first}`);
    this.news.clear();
    this.announcing = undefined;
  }

  private happened(conversation: string, change: Change): void {
    const opened = this.atHand.get(conversation);
    this.outbox.settle(change.id);
    if (change.actor.kind === "agent") session.know(change.actor.id);
    opened?.happened(change, isAttended());
    if (opened !== this.current || change.kind !== "message" || change.author?.kind !== "visitor") return;
    voice.announce(`${visitorName(opened?.visitor ?? { id: change.author.id, name: null, erased: false })}: ${change.text ?? ""}`);
    this.attend();
  }

  private erase(visitor: string): void {
    forgotten.add(visitor);
    this.inbox.change({ kind: "erased", visitor });
    for (const opened of this.atHand.values()) {
      if (opened.visitor?.id !== visitor) continue;
      opened.erase();
      keepDraft(opened.id, NO_DRAFT);
      this.outbox.drop(opened.id);
    }
    void this.inbox.reload();
  }

  private reload(): void {
    void this.inbox.reload();
    if (this.current) void this.follow(this.current);
  }

  /** What lies at hand but is not followed has aged while nobody was listening. */
  private connected(isConnected: boolean): void {
    this.isConnected = isConnected;
    if (isConnected) return this.outbox.retryUnanswered();
    for (const id of this.atHand.keys()) if (id !== this.current?.id) this.atHand.delete(id);
  }
}

function isAttended(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

export const desk = new Desk();
