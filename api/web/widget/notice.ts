/** What the visitor should know about the connection. */

/** A connection lost for less than this is not worth a word. */
const WORTH_A_WORD = 3_000;

export class Notice {
  private isLasting = false;
  private lasting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly onChange: () => void) {}

  /** Empty while all is well. */
  words(isConnected: boolean | null): string {
    if (isConnected !== false) this.calm();
    else this.lasting ??= setTimeout(this.lasts, WORTH_A_WORD);
    if (!navigator.onLine) return "You are offline. What you write is kept, and sent when you are back.";
    return this.isLasting ? "Connecting again. Nothing you wrote is lost." : "";
  }

  calm(): void {
    clearTimeout(this.lasting);
    this.lasting = undefined;
    this.isLasting = false;
  }

  private readonly lasts = (): void => {
    this.isLasting = true;
    this.onChange();
  };
}
