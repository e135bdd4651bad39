/** The one script a site embeds: `<script async src="ORIGIN/widget.js" data-organisation="UUID"></script>`. */

import tokens from "../tokens.css?inline";
import { obey } from "./commands";
import { embedded, ownScript } from "./embed";
import style from "./style.css?inline";
import { Widget } from "./widget";

const embed = embedded(ownScript());

function run(): void {
  if (!embed || document.querySelector("helpr-widget")) return;
  const widget = new Widget(embed, tokens + style);
  widget.start();
  obey({
    identify: (identity) => widget.identify(identity),
    attributes: (attributes) => widget.describe(attributes),
    open: () => widget.open(),
    close: () => widget.close(),
    shutdown: () => widget.shutdown(),
  });
}

if (!embed) console.warn("Helpr: the script tag needs data-organisation with the organisation's id");
else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", run);
else run();
