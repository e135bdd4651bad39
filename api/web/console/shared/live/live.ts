/** The live stream: comes back after every loss, and resumes where it was. */

import { pause } from "../../../widget/patience";
import type { Actor, Change, Row } from "../wire";

export interface Listener {
  readonly onRows: (rows: readonly Row[], position: number) => void;
  readonly onReload: () => void;
  readonly onChange: (conversation: string, change: Change) => void;
  readonly onTyping: (conversation: string, who: Actor, isWriting: boolean) => void;
  readonly onErased: (visitor: string) => void;
  readonly onConnected: (isConnected: boolean) => void;
}

type Frame =
  | { type: "welcome"; position: number }
  | { type: "ping" }
  | { type: "problem"; detail: string }
  | { type: "token"; token: string }
  | { type: "inbox"; position: number; rows: readonly Row[] }
  | { type: "reload" }
  | { type: "change"; conversation: string; change: Change }
  | { type: "typing"; conversation: string; who: Actor; on: boolean }
  | { type: "erased"; visitor: string };

/** Helpr pings every 25 seconds; a stream silent for longer than this is dead, whatever the browser believes. */
const SILENCE = 60_000;
/** A connection that lasts this long starts the waiting over. */
const STEADY = 5_000;

export class Live {
  private socket: WebSocket | null = null;
  private isWanted = false;
  private isConnecting = false;
  private isWelcome = false;
  private attempt = 0;
  private openedAt = 0;
  private inbox: number | null = null;
  private readonly watched = new Map<string, () => number>();
  private again: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly token: () => Promise<string>,
    private readonly listener: Listener,
  ) {}

  start(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    window.addEventListener("online", this.connectNow);
    window.addEventListener("offline", this.lost);
    this.connectNow();
  }

  stop(): void {
    this.isWanted = false;
    this.inbox = null;
    this.watched.clear();
    window.removeEventListener("online", this.connectNow);
    window.removeEventListener("offline", this.lost);
    this.lost();
    clearTimeout(this.again);
  }

  /** Tries at once, as after signing in again. */
  wake(): void {
    this.attempt = 0;
    this.connectNow();
  }

  /** Follows the whole inbox after this position; what has been heard since counts for more. */
  follow(position: number): void {
    if (this.inbox !== null) return;
    this.inbox = position;
    if (this.isWelcome) this.say({ type: "inbox", after: position });
  }

  /** Follows a conversation from `after()` on, now and after every reconnection. */
  watch(conversation: string, after: () => number): void {
    this.watched.set(conversation, after);
    if (this.isWelcome) this.say({ type: "watch", conversation, after: after() });
  }

  unwatch(conversation: string): void {
    if (this.watched.delete(conversation) && this.isWelcome) this.say({ type: "unwatch", conversation });
  }

  typing(conversation: string, on: boolean): void {
    this.say({ type: "typing", conversation, on });
  }

  private readonly connectNow = (): void => {
    clearTimeout(this.again);
    if (this.isWanted && !this.socket && !this.isConnecting) void this.connect();
  };

  private async connect(): Promise<void> {
    this.isConnecting = true;
    const token = await this.token().catch(() => null);
    this.isConnecting = false;
    if (!this.isWanted) return;
    if (token === null) return this.later();
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.listen();
    socket.onopen = () => this.say({ type: "hello", token });
    socket.onmessage = ({ data }) => this.socket === socket && this.hear(data);
    socket.onclose = () => this.socket === socket && this.lost();
  }

  private hear(data: unknown): void {
    this.listen();
    const frame = frameOf(data);
    if (frame) this.obey(frame);
  }

  private obey(frame: Frame): void {
    switch (frame.type) {
      case "welcome": return this.welcomed();
      case "ping": return this.say({ type: "pong" });
      case "token": return this.say({ type: "hello", token: frame.token });
      case "inbox": return this.heard(frame.rows, frame.position);
      case "reload": return this.reload();
      case "change": return this.watched.has(frame.conversation) ? this.listener.onChange(frame.conversation, frame.change) : undefined;
      case "typing": return this.listener.onTyping(frame.conversation, frame.who, frame.on);
      case "erased": return this.listener.onErased(frame.visitor);
      case "problem": return console.warn(`Helpr's live stream says: ${frame.detail}`);
    }
  }

  /** Also the answer to a renewed token, when everything is followed already. */
  private welcomed(): void {
    if (this.isWelcome) return;
    this.isWelcome = true;
    this.openedAt = Date.now();
    if (this.inbox !== null) this.say({ type: "inbox", after: this.inbox });
    for (const [conversation, after] of this.watched) this.say({ type: "watch", conversation, after: after() });
    this.listener.onConnected(true);
  }

  private heard(rows: readonly Row[], position: number): void {
    this.inbox = Math.max(this.inbox ?? 0, position);
    this.listener.onRows(rows, position);
  }

  /** Too much was missed: whoever reads the list anew says from where to follow. */
  private reload(): void {
    this.inbox = null;
    this.listener.onReload();
  }

  private readonly lost = (): void => {
    const socket = this.socket;
    this.socket = null;
    this.isWelcome = false;
    clearTimeout(this.silence);
    socket?.close();
    if (this.openedAt && Date.now() - this.openedAt > STEADY) this.attempt = 0;
    this.openedAt = 0;
    if (socket) this.listener.onConnected(false);
    if (this.isWanted && !this.isConnecting) this.later();
  };

  private later(): void {
    clearTimeout(this.again);
    this.again = setTimeout(this.connectNow, pause(this.attempt++));
  }

  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(this.lost, SILENCE);
  }

  private say(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }
}

function frameOf(data: unknown): Frame | null {
  try {
    return JSON.parse(String(data)) as Frame;
  } catch {
    return null;
  }
}
