/** Requests to Helpr, and how they can fail. */

import { uuid7 } from "../../widget/identifier";
import { wait } from "../../widget/patience";
import type { FieldProblem } from "./wire";

/** Helpr answered, and the answer was no. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly fields: readonly FieldProblem[],
    readonly waitSeconds: number,
  ) {
    super(detail || title || `${status}`);
  }

  /** Busy or broken for now; the same request may succeed later. */
  get isPassing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** No answer came. */
export class Unreachable extends Error {}

export interface Answer<Body> {
  readonly body: Body;
  /** Where the view stood (reads), or where the fact was kept (writes). */
  readonly position: number;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

const PATIENCE = 20_000;
const BEHIND = 503;
const ATTEMPTS = 3;
const SOON = 600;

/** The last of what this page wrote: what is read from now on must contain it. */
let written = 0;
let signedOut: () => void = () => undefined;

/** Somebody to tell when Helpr no longer knows who is asking. */
export function onSignedOut(tell: () => void): void {
  signedOut = tell;
}

/** Asks a question; answers that lag behind our own writes are asked for again. */
export async function look<Body>(path: string): Promise<Answer<Body>> {
  const headers: Record<string, string> = written ? { "Helpr-Min-Position": `${written}` } : {};
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask<Body>("GET", path, headers);
    } catch (problem) {
      const isBehind = problem instanceof Refused && problem.status === BEHIND && attempt < ATTEMPTS;
      if (!isBehind) throw problem;
      await wait(Math.max(250, problem.waitSeconds * 1000));
    }
  }
}

export async function read<Body>(path: string): Promise<Body> {
  return (await look<Body>(path)).body;
}

/** Reads what others wrote a moment ago: news of it may be faster than the view that describes it, so absence is asked again. */
export async function readSoon<Body>(path: string): Promise<Body> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read<Body>(path);
    } catch (problem) {
      const isAbsent = problem instanceof Refused && problem.status === 404 && attempt < ATTEMPTS;
      if (!isAbsent) throw problem;
      await wait(SOON);
    }
  }
}

/** Changes something; the key makes doing it twice the same as doing it once. */
export async function write<Body>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, key = uuid7()): Promise<Body> {
  const headers = { "Idempotency-Key": key, "Helpr-Request": "console" };
  const answer = await ask<Body>(method, path, headers, body);
  written = Math.max(written, answer.position);
  return answer.body;
}

async function ask<Body>(method: Method, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer<Body>> {
  const response = await fetched(path, {
    method,
    headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
    credentials: "same-origin",
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (!response.ok) throw await refusal(response);
  const position = Number(response.headers.get("Helpr-Position")) || 0;
  const isEmpty = response.status === 204;
  return { body: (isEmpty ? undefined : await response.json().catch(cut)) as Body, position };
}

async function fetched(path: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(path, request);
  } catch {
    throw new Unreachable();
  }
}

function cut(): never {
  throw new Unreachable();
}

async function refusal(response: Response): Promise<Refused> {
  const problem = ((await response.json().catch(() => null)) ?? {}) as Partial<Refused> & { errors?: unknown };
  const words = (value: unknown): string => (typeof value === "string" ? value : "");
  const fields = Array.isArray(problem.errors) ? (problem.errors as FieldProblem[]) : [];
  const waitSeconds = Number(response.headers.get("Retry-After")) || 0;
  const refused = new Refused(response.status, words(problem.title), words(problem.detail), fields, waitSeconds);
  if (refused.status === 401) signedOut();
  return refused;
}

/** What went wrong, as a sentence for whoever asked. */
export function saying(problem: unknown): string {
  if (problem instanceof Unreachable) return "Helpr did not answer. Check your connection.";
  if (!(problem instanceof Refused)) return "Something in this page failed.";
  if (problem.status === 403) return "Your role may not do this.";
  if (problem.status === 429) return `Too many requests. Try again in ${problem.waitSeconds || 60} seconds.`;
  const [first] = problem.fields;
  if (first) return `${first.field}: ${first.problem}.`.replace("..", ".");
  return problem.detail || problem.title || `Helpr refused (${problem.status}).`;
}
