/** `window.Helpr("identify", {…})`: what the site may ask of the widget, also before it has loaded. */

type Call = readonly [command: string, value?: unknown];

export interface Helpr {
  (...call: Call): void;
  /** Calls made before the widget was there: `window.Helpr = function () { (Helpr.q = Helpr.q || []).push(arguments) }`. */
  q?: ArrayLike<unknown>[];
}

declare global {
  interface Window {
    Helpr?: Helpr;
  }
}

export type Commands = Readonly<Record<string, (value: unknown) => void>>;

/** Answers what was asked so far, and from now on. */
export function obey(commands: Commands): void {
  const early = window.Helpr?.q ?? [];
  window.Helpr = (command, value) => {
    const does = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (does) does(value);
    else console.warn(`Helpr does not know the command "${String(command)}"`);
  };
  for (const call of Array.from(early)) window.Helpr(...(Array.from(call) as unknown as Call));
}
