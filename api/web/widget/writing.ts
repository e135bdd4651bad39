/** Who is writing just now, on both sides. */

/** Says "writing" at most this often, and "stopped" after this long without a key. */
const EVERY = 3_000;
const STOPS_AFTER = 4_000;
/** Somebody who stops without saying so is thought to have stopped after this long. */
const LASTS = 6_000;

/** Tells the other side that this one is writing, without telling them every key. */
export class OwnWriting {
  private saidAt = 0;
  private stops: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly say: (isWriting: boolean) => void) {}

  readonly wrote = (): void => {
    clearTimeout(this.stops);
    this.stops = setTimeout(this.stopped, STOPS_AFTER);
    if (Date.now() - this.saidAt < EVERY) return;
    this.saidAt = Date.now();
    this.say(true);
  };

  readonly stopped = (): void => {
    clearTimeout(this.stops);
    if (this.saidAt) this.say(false);
    this.saidAt = 0;
  };
}

/** The agent who is writing, until they stop or fall silent. */
export class TheirWriting {
  id: string | null = null;
  private gone: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly onChange: () => void) {}

  heard(id: string, isWriting: boolean): void {
    clearTimeout(this.gone);
    this.id = isWriting ? id : null;
    if (isWriting) this.gone = setTimeout(() => this.heard(id, false), LASTS);
    this.onChange();
  }
}
