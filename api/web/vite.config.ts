/** What is built: the agents' console, the visitor's widget, the demo shop and the API's page, each `vite build --mode NAME`; how it is tested. */

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import type { BuildEnvironmentOptions } from "vite";
import { defineConfig, type ViteUserConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Files, never data: addresses or inline scripts: the pages' security policy refuses those. */
function built(name: string, options: BuildEnvironmentOptions): BuildEnvironmentOptions {
  const always = { emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false };
  return { outDir: here(`dist/${name}`), ...always, ...options };
}

const modes: Readonly<Record<string, ViteUserConfig>> = {
  console: {
    root: here("console"),
    plugins: [svelte()],
    build: built("console", { assetsDir: "assets" }),
    server: { proxy: { "/v1": { target: "http://127.0.0.1:8460", ws: true } } },
  },
  widget: {
    publicDir: false,
    build: built("widget", { lib: { entry: here("widget/main.ts"), formats: ["iife"], name: "HelprWidget", fileName: () => "widget.js" } }),
  },
  demo: {
    root: here("demo"),
    base: "/demo/",
    build: built("demo", { assetsDir: "assets" }),
  },
  docs: {
    root: here("docs"),
    base: "/docs/",
    build: built("docs", { assetsDir: "assets", chunkSizeWarningLimit: 2000 }),
  },
  test: {
    plugins: [svelte()],
    resolve: { conditions: ["browser"] },
    test: { environment: "jsdom", pool: "vmThreads", include: ["{console,tests}/**/*.test.ts"], css: true, restoreMocks: true, unstubGlobals: true },
  },
};

export default defineConfig(({ mode }) => ({ logLevel: "warn", ...modes[mode] }));
