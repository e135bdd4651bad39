/** The agents' console. */

import { mount } from "svelte";
import "../../tokens.css";
import "../shared/look/look.css";
import App from "./App.svelte";
import { look } from "./look.svelte";

look.apply();
mount(App, { target: document.body });
