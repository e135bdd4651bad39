/** What is built: the agents' console, the visitor's widget and the demo shop, each `vite build --mode NAME`. */

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { type BuildEnvironmentOptions, defineConfig, type UserConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function build(name: string, options: BuildEnvironmentOptions): BuildEnvironmentOptions {
  /* Files, never data: addresses or inline scripts: the pages' security policy refuses those. */
  return { outDir: here(`dist/${name}`), emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false, ...options };
}

const builds: Readonly<Record<string, UserConfig>> = {
  console: {
    root: here("console"),
    plugins: [svelte()],
    build: build("console", { assetsDir: "assets" }),
    server: { proxy: { "/v1": { target: "http://127.0.0.1:8000", ws: true } } },
  },
  widget: {
    publicDir: false,
    build: build("widget", { lib: { entry: here("widget/main.ts"), formats: ["iife"], name: "HelprWidget", fileName: () => "widget.js" } }),
  },
  demo: {
    root: here("demo"),
    build: build("demo", { assetsDir: "demo-assets" }),
  },
};

export default defineConfig(({ mode }) => ({ configFile: false, logLevel: "warn", ...builds[mode] }));
