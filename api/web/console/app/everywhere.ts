/** What can be done on every page. */

import { addressOf, VIEWS } from "../features/conversations/inbox/views";
import type { Command } from "../shared/commands.svelte";
import { route } from "../shared/route.svelte";
import { session } from "../shared/session.svelte";
import { look, LOOKS } from "./look.svelte";

interface Opens {
  readonly palette: () => void;
  readonly keys: () => void;
}

export function everywhere({ palette, keys }: Opens): readonly Command[] {
  return [...places(), ...looks(), ...ownSession(palette, keys)];
}

function places(): readonly Command[] {
  const pages = [
    ...(session.mayRead ? VIEWS.map(({ name, title }) => ({ id: name, title, address: addressOf({ name, sort: "newest" }) })) : []),
    ...(session.mayRead ? [{ id: "people", title: "People", address: "/people" }] : []),
    ...(session.may("audit") || session.may("erase") ? [{ id: "privacy", title: "Privacy", address: "/privacy" }] : []),
    ...(session.may("reports") ? [{ id: "reports", title: "Reports", address: "/reports" }] : []),
  ];
  return pages.map(({ id, title, address }): Command => ({ id: `go-${id}`, title, group: "Go to", run: () => route.go(address) }));
}

function looks(): readonly Command[] {
  return LOOKS.filter((one) => one.id !== look.now).map(
    ({ id, name }): Command => ({ id: `look-${id}`, title: `Look: ${name.toLowerCase()}`, group: "Look and session", also: "theme", run: () => look.choose(id) }),
  );
}

function ownSession(palette: () => void, keys: () => void): readonly Command[] {
  return [
    { id: "palette", title: "Do anything", group: "Look and session", key: "Ctrl-K", run: palette },
    { id: "keys", title: "Show all keys", group: "Look and session", key: "?", run: keys },
    { id: "sign-out", title: "Sign out", group: "Look and session", run: () => void session.signOut() },
  ];
}
