/** What agents do with a conversation. It shows at once, and goes back when Helpr refuses. */

import { saying, write } from "../../../shared/door";
import { session } from "../../../shared/session.svelte";
import { voice } from "../../../shared/voice.svelte";
import type { Done, Priority, Row, Status } from "../../../shared/wire";
import { desk } from "../desk.svelte";
import type { Opened } from "../thread/opened.svelte";

type Standing = Partial<Pick<Row, "status" | "priority" | "assignee">>;

export async function assign(opened: Opened, agent: string | null): Promise<void> {
  const isDone = await handle(opened, { assignee: agent }, "assignee", { agent });
  if (isDone) voice.announce(agent ? `Assigned to ${session.agentName(agent)}` : "Unassigned");
}

export async function prioritise(opened: Opened, priority: Priority): Promise<void> {
  const isDone = await handle(opened, { priority }, "priority", { priority });
  if (isDone) voice.announce(`Priority ${priority}`);
}

export async function become(opened: Opened, status: Status): Promise<void> {
  const isDone = await handle(opened, { status }, "status", { status });
  if (!isDone) return;
  const undo = { title: "Undo", run: (): void => void become(opened, status === "open" ? "resolved" : "open") };
  voice.notice(status === "resolved" ? "Conversation resolved" : "Conversation reopened", { action: undo });
}

async function handle(opened: Opened, standing: Standing, what: string, body: object): Promise<boolean> {
  const { status, priority, assignee } = opened.thread;
  const row = desk.inbox.rows.find((one) => one.id === opened.id);
  const shown = (now: Standing): void => {
    opened.suppose(now);
    const latest = desk.inbox.rows.find((one) => one.id === opened.id) ?? row;
    if (latest) desk.inbox.change({ kind: "rows", rows: [{ ...latest, ...now }] });
  };
  shown(standing);
  try {
    await write<Done>("PUT", `/v1/conversations/${opened.id}/${what}`, body);
    return true;
  } catch (problem) {
    shown({ status, priority, assignee });
    voice.notice(`${saying(problem)} Nothing was changed.`, { isProblem: true });
    return false;
  }
}
