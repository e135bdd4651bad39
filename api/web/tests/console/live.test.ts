import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Live, type Listener } from "../../console/shared/live/live";
import { row, visitorSays } from "./told";

/** Helpr's end of the stream. */
class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  said: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor() {
    Socket.all.push(this);
  }

  send(data: string): void {
    this.said.push(JSON.parse(data) as Record<string, unknown>);
  }

  close(): void {
    this.readyState = 3;
  }

  opens(): this {
    this.readyState = 1;
    this.onopen?.();
    return this;
  }

  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  breaks(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  of(type: string): Record<string, unknown>[] {
    return this.said.filter((frame) => frame["type"] === type);
  }
}

function listening(token = vi.fn(async () => "token")) {
  const listener = { onRows: vi.fn(), onReload: vi.fn(), onChange: vi.fn(), onTyping: vi.fn(), onErased: vi.fn(), onConnected: vi.fn() } satisfies Listener;
  const live = new Live("ws://helpr.example/v1/live", token, listener);
  live.start();
  return { live, listener, token };
}

async function connected(): Promise<Socket> {
  await vi.advanceTimersByTimeAsync(0);
  const socket = Socket.all.at(-1)?.opens();
  socket?.says({ type: "welcome", position: 7 });
  return socket ?? new Socket();
}

beforeEach(() => {
  Socket.all = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
});
afterEach(() => void vi.useRealTimers());

describe("the live stream", () => {
  test("says hello first, then what it follows and from where", async () => {
    const { live, listener } = listening();
    live.follow(41);
    live.watch("a", () => 12);
    const socket = await connected();
    expect(socket.said).toEqual([{ type: "hello", token: "token" }, { type: "inbox", after: 41 }, { type: "watch", conversation: "a", after: 12 }]);
    expect(listener.onConnected).toHaveBeenLastCalledWith(true);
  });

  test("resumes after a loss from the last position and sequence that were heard", async () => {
    const { live, listener } = listening();
    let sequence = 3;
    live.follow(41);
    live.watch("a", () => sequence);
    const first = await connected();
    first.says({ type: "inbox", position: 58, rows: [row("a")] });
    sequence = 9;
    first.breaks();
    expect(listener.onConnected).toHaveBeenLastCalledWith(false);
    await vi.advanceTimersByTimeAsync(1_000);
    const second = await connected();
    expect(second).not.toBe(first);
    expect(second.of("inbox")).toEqual([{ type: "inbox", after: 58 }]);
    expect(second.of("watch")).toEqual([{ type: "watch", conversation: "a", after: 9 }]);
  });

  test("asks for a new token each time, and waits longer each time it gets none", async () => {
    const { token } = listening(vi.fn<() => Promise<string>>().mockRejectedValue(new Error("no")));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(token.mock.calls.length).toBeGreaterThan(3);
    expect(token.mock.calls.length).toBeLessThan(12);
    expect(Socket.all).toEqual([]);
  });

  test("answers a ping, and a renewed token without following everything anew", async () => {
    const { live } = listening();
    live.follow(1);
    const socket = await connected();
    socket.says({ type: "ping" });
    socket.says({ type: "token", token: "newer" });
    socket.says({ type: "welcome", position: 9 });
    expect(socket.of("pong")).toHaveLength(1);
    expect(socket.of("hello").at(-1)).toEqual({ type: "hello", token: "newer" });
    expect(socket.of("inbox")).toHaveLength(1);
  });

  test("takes a stream that is silent for a minute for dead", async () => {
    const { listener } = listening();
    await connected();
    await vi.advanceTimersByTimeAsync(59_000);
    expect(listener.onConnected).toHaveBeenLastCalledWith(true);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(listener.onConnected).toHaveBeenCalledWith(false);
  });

  test("tells what changed in what is watched, and nothing of what is not", async () => {
    const { live, listener } = listening();
    live.watch("a", () => 0);
    const socket = await connected();
    const hello = visitorSays(1, "Hello");
    socket.says({ type: "change", conversation: "a", change: hello });
    socket.says({ type: "change", conversation: "b", change: hello });
    live.unwatch("a");
    socket.says({ type: "change", conversation: "a", change: hello });
    expect(listener.onChange.mock.calls).toEqual([["a", hello]]);
    expect(socket.of("unwatch")).toEqual([{ type: "unwatch", conversation: "a" }]);
  });

  test("that missed too much follows again from where the list is read anew", async () => {
    const { live, listener } = listening();
    live.follow(10);
    const socket = await connected();
    socket.says({ type: "reload" });
    expect(listener.onReload).toHaveBeenCalledOnce();
    live.follow(900);
    expect(socket.of("inbox").at(-1)).toEqual({ type: "inbox", after: 900 });
  });

  test("a list read again without need does not go back", async () => {
    const { live } = listening();
    live.follow(10);
    const socket = await connected();
    live.follow(5);
    expect(socket.of("inbox")).toEqual([{ type: "inbox", after: 10 }]);
  });

  test("says at once who was erased", async () => {
    const { listener } = listening();
    (await connected()).says({ type: "erased", visitor: "v" });
    expect(listener.onErased).toHaveBeenCalledWith("v");
  });

  test("that was stopped stays silent", async () => {
    const { live, token } = listening();
    const socket = await connected();
    live.stop();
    socket.breaks();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(token).toHaveBeenCalledOnce();
  });

  test("that was stopped before it had a token opens nothing", async () => {
    listening().live.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Socket.all).toEqual([]);
  });

  test("is not disturbed by nonsense", async () => {
    listening();
    const socket = await connected();
    expect(() => socket.onmessage?.({ data: "{" })).not.toThrow();
  });
});
