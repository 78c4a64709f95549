/**
 * Builds the GraphiQL page into a folder: `node build.js <folder> <stamp>`.
 *
 * Each asset gets a name with the hash of its content and lies there twice, as Brotli and as gzip; `manifest.json` lists them, `page.html`
 * refers to them as `?ide=<name>`, a query of the endpoint's own address, and THIRD-PARTY-NOTICES.txt holds the licences of every package
 * that esbuild says it put in. `stamp` goes into the manifest as it is: it says what was built.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const SHARED = process.env.GATEPASS_SHARED ?? join(HERE, "../../src/gatepass/web/static");
const TYPES = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".ttf": "font/ttf", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8" };
const [brotli, gzip] = [promisify(zlib.brotliCompress), promisify(zlib.gzip)];
const EDITOR_FONT = 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace';

const [, , folder, stamp = ""] = process.argv;
if (!folder) throw new Error("usage: node build.js <folder> [stamp]");

const COMMON = {
  bundle: true, minify: true, write: false, metafile: true, legalComments: "none", target: ["chrome109", "firefox115", "safari16.4"],
  absWorkingDir: HERE, outdir: "/", loader: { ".ttf": "file" }, assetNames: "[name].[hash]", logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
};
const files = new Map();
const inputs = new Set();

/** Prettier is large and seldom needed: whoever imports it gets `src/formatting.js`, which loads it when it is called. */
const lazyPrettier = {
  name: "lazy prettier",
  setup({ onResolve }) {
    onResolve({ filter: /^prettier\// }, () => ({ path: join(HERE, "src/formatting.js") }));
  },
};

/** Things of GraphiQL that have no setting: file → what is in it, what takes its place. A file or text that is not there any more fails the build. */
const EDITS = [
  // It names one web font, and falls back to a proportional one; the number of the last line is too faint to read; beside the panel lines end
  // under the buttons.
  [/@graphiql.react.dist.utility.create-editor\.js$/, '"\\"Fira Code\\""', JSON.stringify(EDITOR_FONT), "fontSize: 15", 'fontSize: 13.5, renderFinalNewline: "on", wordWrap: "on", wrappingIndent: "indent"'],
  // Its colours are pink; the editor draws what it marks with them by itself, out of reach of a style sheet.
  [/@graphiql.react.dist.constants\.js$/, '"#ff5794"', '"#63c6ae"', '"#d60590"', '"#12695b"', '"#ff579419"', '"#63c6ae26"', '"#d6059019"', '"#12695b1f"', '"#212a3b"', '"#1d292c"',
    '"scrollbar.shadow": colors.transparent,', '"scrollbar.shadow": colors.transparent, "editorLineNumber.foreground": theme === "dark" ? "#9db0ab" : "#586562",',
    rule("#908aff"), rules({ keyword: "e09ccb", string: "97d29b", number: "efb27a", key: "83c5ee", comment: "8b9b98", type: "bda6f2" }),
    rule("#6c69ce"), rules({ keyword: "8a3a74", string: "23683a", number: "9a4a08", key: "16597f", comment: "6a7472", type: "6b4fa3" })],
  // It names its icons after functions, whose names the bundle shortens; the buttons have names of their own.
  [/@graphiql.react.dist.icons.index\.js$/, 'RawComponent.name.replace("Svg", "").replaceAll(/([A-Z])/g, " $1").trimStart().toLowerCase() + " icon"', "undefined"],
  // Tabs with buttons inside are neither tabs nor buttons to a screen reader: a list of buttons, then, one of which is current.
  [/@graphiql.react.dist.components.tabs.index\.js$/, '"aria-selected": isActive,', "", 'role: "tab",', "", 'role: "tablist",', ""],
  [/graphiql.dist.GraphiQL\.js$/, '"aria-controls": "graphiql-session"', '"aria-controls": "graphiql-session", "aria-current": index_1 === activeTabIndex', 'role: "tabpanel"', 'role: "group"'],
  // A picture in a description would tell its server who reads the documentation. The policy forbids it; better not to ask.
  [/monaco-editor.esm.vs.base.browser.markdownRenderer\.js$/, "renderer.image = defaultMarkedRenderers.image;", 'renderer.image = ({ text }) => escape(text ?? "");'],
  // Whoever is disposed gives up what it had put off, and the promise of that is rejected; most callers never look at it, and each such
  // sign-out would be an error of the page. Callers that do look are told as before. (microsoft/vscode#285890)
  [/monaco-editor.esm.vs.base.common.async\.js$/, "this.doReject?.(new CancellationError());", "this.completionPromise.catch(() => {}); this.doReject?.(new CancellationError());"],
  // The list of completions gives its rows a name, and their renderer another to the same rows: screen readers would miss one of the two.
  [/monaco-editor.esm.vs.editor.contrib.suggest.browser.suggestWidgetRenderer\.js$/, "data.root.id = getAriaId(index);", ""],
  [/monaco-editor.esm.vs.editor.contrib.suggest.browser.suggestWidget\.js$/, "activeDescendant: getAriaId(index)", "activeDescendant: this._list.getElementID(index)"],
  // It stops after the type with the hundredth match, and a type may have thousands: the list of them took a minute to be there.
  [/@graphiql.plugin-doc-explorer.dist.components.search\.js$/, "for (const fieldName in fields) {", "for (const fieldName in fields) { if (matches.within.length + matches.types.length + matches.fields.length >= 100) break;"],
  // What a button says is its name.
  [/@graphiql.plugin-history.dist.components\.js$/, '"aria-label": "Set active", ', ""],
];

function rule(foreground) { return `{\n\t\t\ttoken: "argument.identifier.gql",\n\t\t\tforeground: "${foreground}"\n\t\t}`; }

/** Monaco's rules for its tokens of GraphQL and JSON. */
function rules({ keyword, string, number, key, comment, type }) {
  const tokens = { keyword, string, number, comment, "keyword.gql": keyword, "string.gql": string, "key.identifier.gql": key, "argument.identifier.gql": key, "type.identifier.gql": type, "string.key.json": key, "string.value.json": string, "keyword.json": keyword };
  return Object.entries(tokens).map(([token, foreground]) => JSON.stringify({ token, foreground })).join(", ");
}

const adapted = {
  name: "adapted",
  setup({ onLoad, onEnd }) {
    const missing = new Set(EDITS.map(([filter]) => filter));
    for (const [filter, ...pairs] of EDITS) {
      onLoad({ filter }, ({ path }) => {
        missing.delete(filter);
        return edited(path, pairs);
      });
    }
    onEnd(() => { if (missing.size) throw new Error(`no file for ${[...missing].join(", ")}`); });
    // It asks the network for every path in an answer that ends like a picture's, of whatever host.
    onLoad({ filter: /@graphiql.react.dist.components.image-preview\.js$/ }, () => ({ contents: "export const ImagePreview = Object.assign(() => null, { shouldRender: () => false });" }));
  },
};

async function edited(path, pairs) {
  let contents = await readFile(path, "utf8");
  for (let at = 0; at < pairs.length; at += 2) {
    if (!contents.includes(pairs[at])) throw new Error(`${path} has changed: ${pairs[at]} is not in it`);
    contents = contents.replace(pairs[at], pairs[at + 1]);
  }
  return { contents, loader: "js" };
}

/** Bundle one entry; its hashed name. */
async function bundled(entry, options = {}) {
  const { outputFiles, metafile } = await build({ ...COMMON, entryPoints: [entry], ...options });
  for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  for (const { path, contents } of outputFiles.filter((file) => extname(file.path) === ".ttf")) files.set(basename(path), contents);
  const names = {};
  for (const { path, text } of outputFiles.filter((file) => [".js", ".css"].includes(extname(file.path)))) {
    names[extname(path)] = added(basename(path), Buffer.from(text.replaceAll(/url\("?(?:\.\/|\/)?([\w.-]+\.ttf)"?\)/g, "url(?ide=$1)")));
  }
  return names;
}

function added(name, content) {
  const extension = extname(name);
  const hashed = `${basename(name, extension)}.${createHash("sha256").update(content).digest("hex").slice(0, 16)}${extension}`;
  files.set(hashed, content);
  return hashed;
}

async function compressed(name, content) {
  const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_LGWIN]: 22, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  await Promise.all([
    brotli(content, { params }).then((bytes) => writeFile(join(folder, `${name}.br`), bytes)),
    gzip(content, { level: 9 }).then((bytes) => writeFile(join(folder, `${name}.gz`), bytes)),
  ]);
}

/** The licences of every package that has a file in the bundle. */
async function notices() {
  const packages = new Map();
  for (const input of inputs) {
    const [found] = /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
    if (found) packages.set(found, join(HERE, found));
  }
  const texts = await Promise.all([...packages.values()].map(noticeOf));
  return `Third-party software in the GraphiQL page of Gatepass\n\n${texts.sort().join("\n\n")}\n`;
}

async function noticeOf(place) {
  const { name, version, license, author, homepage, repository } = JSON.parse(await readFile(join(place, "package.json"), "utf8"));
  const legal = (await readdir(place)).filter((file) => /^(licen[cs]e|notice|copying|thirdpartynotices)/i.test(file)).sort();
  const texts = await Promise.all(legal.map((file) => readFile(join(place, file), "utf8")));
  const where = homepage ?? repository?.url ?? "";
  const by = typeof author === "string" ? author : author?.name ?? "";
  return [`${"=".repeat(78)}\n${name} ${version} · ${license} ${where}`.trimEnd(), ...(texts.length ? texts.map((text) => text.trim()) : [by && `Copyright (c) ${by}`])].filter(Boolean).join("\n\n");
}

const workers = { editor: "monaco-editor/esm/vs/editor/editor.worker.js", json: "monaco-editor/esm/vs/language/json/json.worker.js", graphql: "monaco-graphql/esm/graphql.worker.js" };
const prettier = (await bundled("src/prettier.js", { format: "esm" }))[".js"];
const define = { ...COMMON.define, PRETTIER: JSON.stringify(prettier) };
const workerNames = {};
for (const [label, entry] of Object.entries(workers)) {
  workerNames[label] = (await bundled(`node_modules/${entry}`, { format: "iife", define, plugins: [lazyPrettier], entryNames: `${label}-worker` }))[".js"];
}
const main = await bundled("src/main.jsx", {
  format: "esm", jsx: "automatic", alias: { "gatepass-shared": SHARED }, plugins: [lazyPrettier, adapted], define: { ...define, WORKERS: JSON.stringify(workerNames) },
});
const icon = added("favicon.svg", await readFile(join(SHARED, "favicon.svg")));
const licences = added("notices.txt", Buffer.from(await notices()));

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await Promise.all([...files].map(([name, content]) => compressed(name, Buffer.from(content))));
const page = (await readFile(join(HERE, "page.html"), "utf8"))
  .replaceAll("?ide=main.js", `?ide=${main[".js"]}`).replaceAll("?ide=main.css", `?ide=${main[".css"]}`)
  .replaceAll("?ide=favicon.svg", `?ide=${icon}`).replaceAll("?ide=notices.txt", `?ide=${licences}`);
await writeFile(join(folder, "page.html"), page);
await writeFile(join(folder, "THIRD-PARTY-NOTICES.txt"), Buffer.from(files.get(licences)));
// Last: a folder without it is no finished build.
await writeFile(join(folder, "manifest.json"), `${JSON.stringify({ stamp, files: Object.fromEntries([...files.keys()].sort().map((name) => [name, TYPES[extname(name)]])) }, null, 1)}\n`);
