/** The live stream of one conversation: comes back after every loss, and resumes after the last change seen. */

import { pause } from "./patience";
import type { Actor, Change } from "./wire";

export interface Typing {
  readonly who: Actor;
  readonly on: boolean;
}

export interface Listener {
  readonly onChange: (change: Change) => void;
  readonly onTyping: (typing: Typing) => void;
  readonly onConnected: (isConnected: boolean) => void;
}

type Frame =
  | { type: "welcome" | "ping" | "problem" }
  | { type: "token"; token: string }
  | { type: "change"; conversation: string; change: Change }
  | ({ type: "typing"; conversation: string } & Typing);

/** Helpr pings every 25 seconds; a stream silent for longer than this is dead, whatever the browser believes. */
const SILENCE = 60_000;
/** A connection that lasts this long starts the waiting over. */
const STEADY = 5_000;

export class Live {
  private socket: WebSocket | null = null;
  private watched: { conversation: string; after: () => number } | null = null;
  private attempt = 0;
  private openedAt = 0;
  private again: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private isConnecting = false;

  constructor(
    private readonly url: string,
    private readonly token: () => Promise<string>,
    private readonly listener: Listener,
  ) {
    window.addEventListener("online", this.connectNow);
    window.addEventListener("offline", this.lost);
  }

  /** Follows this conversation from `after()` on, now and after every reconnection. */
  watch(conversation: string, after: () => number): void {
    if (this.watched?.conversation === conversation) return;
    this.watched = { conversation, after };
    if (this.socket) this.lost();
    this.connectNow();
  }

  unwatch(): void {
    this.watched = null;
    this.lost();
    clearTimeout(this.again);
  }

  typing(on: boolean): void {
    if (this.watched) this.say({ type: "typing", conversation: this.watched.conversation, on });
  }

  private readonly connectNow = (): void => {
    clearTimeout(this.again);
    if (this.watched && !this.socket && !this.isConnecting) void this.connect();
  };

  private async connect(): Promise<void> {
    this.isConnecting = true;
    const token = await this.token().catch(() => null);
    this.isConnecting = false;
    if (!this.watched) return;
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
    if (frame?.type === "welcome") this.welcomed();
    else if (frame?.type === "ping") this.say({ type: "pong" });
    else if (frame?.type === "token") this.say({ type: "hello", token: frame.token });
    else if (frame?.type === "change" && this.isWatched(frame.conversation)) this.listener.onChange(frame.change);
    else if (frame?.type === "typing" && this.isWatched(frame.conversation)) this.listener.onTyping(frame);
  }

  private welcomed(): void {
    if (!this.watched) return;
    this.openedAt = Date.now();
    const { conversation, after } = this.watched;
    this.say({ type: "watch", conversation, after: after() });
    this.listener.onConnected(true);
  }

  private readonly lost = (): void => {
    const socket = this.socket;
    this.socket = null;
    clearTimeout(this.silence);
    socket?.close();
    if (this.openedAt && Date.now() - this.openedAt > STEADY) this.attempt = 0;
    this.openedAt = 0;
    if (socket) this.listener.onConnected(false);
    if (this.watched && !this.isConnecting) this.later();
  };

  private later(): void {
    clearTimeout(this.again);
    this.again = setTimeout(this.connectNow, pause(this.attempt++));
  }

  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(this.lost, SILENCE);
  }

  private isWatched(conversation: string): boolean {
    return this.watched?.conversation === conversation;
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
