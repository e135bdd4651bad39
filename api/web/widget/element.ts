/** Elements without markup strings: nothing a visitor or an agent writes is ever read as HTML. */

type Attributes = Readonly<Record<string, string | boolean>>;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.toggleAttribute(name, value !== false);
  for (const [name, value] of Object.entries(attributes)) if (typeof value === "string") made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Shows text only where it differs, so that a screen reader does not hear it twice. */
export function say(where: Node, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}
