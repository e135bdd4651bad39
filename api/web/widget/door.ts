/** Requests to Helpr, and how they can fail. */

export type Method = "GET" | "POST" | "PUT";

export interface Request {
  readonly method: Method;
  readonly path: string;
  readonly body?: unknown;
  readonly bearer?: string;
  /** Makes doing it twice the same as doing it once. */
  readonly key?: string;
}

/** Helpr answered, and the answer was no. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly waitSeconds: number,
  ) {
    super(`${status}`);
  }

  /** Busy or broken for now; the same request may succeed later. */
  get isPassing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** No answer came. */
export class Unreachable extends Error {}

const PATIENCE = 20_000;

function headersOf({ bearer, body, key }: Request): Record<string, string> {
  return {
    ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}),
    ...(key ? { "Idempotency-Key": key } : {}),
  };
}

async function refusal(response: Response): Promise<Refused> {
  const problem = (await response.json().catch(() => null)) as { detail?: unknown } | null;
  const detail = typeof problem?.detail === "string" ? problem.detail : "";
  return new Refused(response.status, detail, Number(response.headers.get("Retry-After")) || 0);
}

/** The answer's JSON; Refused or Unreachable otherwise. The host page's cookies never travel. */
export async function ask<Answer>(origin: string, request: Request): Promise<Answer> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE);
  try {
    const response = await fetch(origin + request.path, {
      method: request.method,
      headers: headersOf(request),
      body: request.body === undefined ? null : JSON.stringify(request.body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: late.signal,
    });
    if (!response.ok) throw await refusal(response);
    return (await response.json()) as Answer;
  } catch (problem) {
    throw problem instanceof Refused ? problem : new Unreachable();
  } finally {
    clearTimeout(timer);
  }
}
