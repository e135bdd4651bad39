/** Visitors who were erased while this page was open: whatever shows them looks here. */

import { SvelteSet } from "svelte/reactivity";

export const forgotten = new SvelteSet<string>();
