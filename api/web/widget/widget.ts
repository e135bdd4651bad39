/** The widget as a whole: a corner of somebody else's page, and what happens in it. */

import { accentRule } from "./colour";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { element, say } from "./element";
import type { Embed } from "./embed";
import { Visitor } from "./identity";
import { Introduction } from "./introduction";
import { Launcher } from "./launcher";
import { Log } from "./log";
import { Notice } from "./notice";
import { Panel } from "./panel";
import { Presence } from "./presence";
import { Session } from "./session";
import { unread } from "./thread";
import { timeline } from "./timeline";
import type { Started } from "./wire";
import { OwnWriting } from "./writing";

export class Widget {
  private readonly host = document.createElement("helpr-widget");
  private readonly announcer = element("p", { class: "aside", role: "status" });
  private readonly session: Session;
  private readonly conversation: Conversation;
  private readonly visitor: Visitor;
  private readonly writing = new OwnWriting((on) => this.conversation.typing(on));
  private readonly launcher = new Launcher(() => this.open());
  private readonly notice = new Notice(() => this.show());
  private readonly log = new Log((id) => this.conversation.outbox.retry(id));
  private readonly introduction = new Introduction((identity) => this.visitor.tell(identity));
  private readonly composer: Composer;
  private readonly panel: Panel;
  private presence: Presence | null = null;
  private ready: Promise<unknown> = Promise.resolve();
  private isStopped = false;

  constructor(embed: Embed, style: string) {
    this.session = new Session(embed.origin, embed.organisation, (started) => this.begin(started));
    this.conversation = new Conversation(embed.origin, this.session, this.show, () => this.arrived());
    this.visitor = new Visitor(this.session, this.show);
    this.composer = new Composer({
      onSend: (text) => this.send(text),
      onWrite: this.writing.wrote,
      onDraft: (draft) => this.session.change({ draft }),
    });
    const parts = { introduction: this.introduction.section, log: this.log.region, newest: this.log.newest, composer: this.composer.form };
    this.panel = new Panel(parts, () => this.close());
    this.mount(style + accentRule(embed.accent));
  }

  /** Comes in; leaves the page again when Helpr does not know the organisation. */
  start(): void {
    this.ready = this.session.start().catch(() => this.leave());
  }

  open(): void {
    this.panel.open();
    this.composer.fit();
    this.log.toEnd();
    this.show();
    this.composer.focus();
  }

  close(): void {
    this.writing.stopped();
    this.panel.close();
    this.show();
    this.launcher.button.focus();
  }

  /** What the site says before Helpr has answered is done afterwards: a new visitor begins with an empty browser. */
  identify(identity: unknown): void {
    void this.ready.then(() => this.isStopped || this.visitor.identify(identity));
  }

  describe(attributes: unknown): void {
    void this.ready.then(() => this.isStopped || this.visitor.describe(attributes));
  }

  /** The visitor signs out of the site: nothing of them stays in this browser. */
  shutdown(): void {
    this.leave();
    this.session.end();
  }

  private mount(style: string): void {
    const root = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    root.append(this.launcher.button, this.panel.dialog, this.announcer);
    document.body.append(this.host);
    for (const event of ["online", "offline", "focus"]) window.addEventListener(event, this.show);
    document.addEventListener("visibilitychange", this.show);
    window.addEventListener("storage", this.elsewhere);
    this.show();
  }

  private begin(started: Started): void {
    if (this.isStopped) return;
    this.panel.greet(started.organisation.name);
    this.composer.restore(this.session.chat?.draft ?? "");
    this.visitor.begin(started.identity);
    this.conversation.begin(started);
    this.presence ??= new Presence(this.session);
  }

  private send(text: string): void {
    this.writing.stopped();
    this.conversation.send(text);
  }

  private arrived(): void {
    if (!this.panel.isOpen) say(this.announcer, "New message in the chat");
  }

  private readonly show = (): void => {
    if (this.isStopped) return;
    const { thread, outbox, isLoading, isConnected, writer } = this.conversation;
    this.log.show(timeline(thread, outbox.all, new Date()), isLoading);
    this.panel.show(writer, this.notice.words(isConnected));
    this.introduction.show(this.visitor.known);
    this.launcher.show(this.panel.isOpen, unread(thread).length);
    if (this.isBeingRead) this.read();
  };

  private get isBeingRead(): boolean {
    return this.panel.isOpen && document.visibilityState === "visible" && unread(this.conversation.thread).length > 0;
  }

  private read(): void {
    if (!this.presence?.isMarked) this.presence?.claim();
    void this.conversation.readAll();
  }

  private readonly elsewhere = ({ key }: StorageEvent): void => {
    if (key === "helpr_chat" || key === null) this.conversation.catchUp();
  };

  private leave(): void {
    this.isStopped = true;
    this.presence?.stop();
    this.notice.calm();
    this.composer.stop();
    this.conversation.stop();
    for (const event of ["online", "offline", "focus"]) window.removeEventListener(event, this.show);
    document.removeEventListener("visibilitychange", this.show);
    window.removeEventListener("storage", this.elsewhere);
    this.host.remove();
  }
}
