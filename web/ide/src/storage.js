/**
 * Where GraphiQL keeps its tabs, its history and its layout: localStorage, below the address of this endpoint, without secrets.
 *
 * GraphiQL keeps a query, its variables and its headers under keys of their own as well. Alone, a variable does not tell that it was a
 * password; so those keys are kept nowhere (they are read out of the tab that was open), and a tab or an entry of the history is judged as a
 * whole.
 */
import { PLACE } from "gatepass-shared/endpoint.js";
import { givesVariable, holdsSecret } from "./secrets.js";

const PREFIX = `gatepass ide ${PLACE} `;
const LAYOUT = new Set(["graphiql:theme", "graphiql:visiblePlugin", "graphiql:docExplorerFlex", "graphiql:editorFlex", "graphiql:secondaryEditorFlex"]);
const OF_THE_TAB = { "graphiql:query": "query", "graphiql:variables": "variables" };
const TABS = "graphiql:tabState";
/** Names alone, never a value: another tab and the page after a reload have to know them too. */
const SECRET_VARIABLES = "secret variables";
const MOST_NAMES = 50;
const HISTORY = { "graphiql:queries": withoutHeaders, "graphiql:favorites": withoutHeaders };
const CLEANED = { [TABS]: withoutSecretTabs, ...HISTORY };
const JUDGED = { [TABS]: withoutSecretTabs, ...Object.fromEntries(Object.keys(HISTORY).map((key) => [key, withoutSecrets])) };

/** A value that may not be kept. GraphiQL's history drops an entry whose storage fails. */
export class SecretRefused extends Error {}

/** The storage of one mounted page; a retired one keeps nothing any more, so that nothing comes back after a sign-out. */
export class DeskStorage {
  #retired = false;

  get length() { return ownKeys().length; }

  getItem(key) {
    if (key in OF_THE_TAB) return openTab(this.getItem(TABS))?.[OF_THE_TAB[key]] ?? null;
    try { return localStorage.getItem(PREFIX + key); } catch { return null; }
  }

  setItem(key, value) {
    if (this.#retired) return;
    const kept = CLEANED[key]?.(value) ?? (LAYOUT.has(key) && !holdsSecret(value) ? value : null);
    if (kept === null && key === TABS) this.removeItem(key);
    if (kept === null) throw new SecretRefused("Not kept.");
    // Site data may be blocked, or full: then the page forgets, and goes on.
    try { localStorage.setItem(PREFIX + key, kept); } catch { /* see above */ }
  }

  /** What these variables hold is not kept from now on, until a sign-out. */
  rememberVariables(names) {
    const known = [...new Set([...names, ...secretVariables()])].slice(0, MOST_NAMES);
    try { if (names.length && !this.#retired) localStorage.setItem(PREFIX + SECRET_VARIABLES, JSON.stringify(known)); } catch { /* see setItem */ }
  }

  /** What was kept may have looked harmless until now: a variable, say, before its query said `signIn`. */
  judgeAgain() {
    for (const [key, clean] of Object.entries(JUDGED)) {
      try {
        const rest = clean(this.getItem(key) ?? "");
        if (rest === null) this.removeItem(key);
        else localStorage.setItem(PREFIX + key, rest);
      } catch {
        this.removeItem(key);
      }
    }
  }

  removeItem(key) {
    try { localStorage.removeItem(PREFIX + key); } catch { /* nothing is there */ }
  }

  /** Remove all that was kept but the layout. */
  clear() {
    for (const key of ownKeys()) if (!LAYOUT.has(key)) this.removeItem(key);
  }

  retire() {
    this.#retired = true;
    this.clear();
  }
}

function ownKeys() {
  try { return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)); } catch { return []; }
}

function secretVariables() {
  try { return JSON.parse(localStorage.getItem(PREFIX + SECRET_VARIABLES) ?? "[]").filter((name) => /^\w+$/.test(name)); } catch { return []; }
}

function openTab(state) {
  try {
    const { tabs, activeTabIndex } = JSON.parse(state);
    return tabs[activeTabIndex];
  } catch {
    return null;
  }
}

function withoutSecretTabs(value) {
  const { tabs, activeTabIndex } = JSON.parse(value);
  const kept = tabs.filter((tab) => !isSecret(tab)).map((tab) => ({ ...tab, headers: null, response: null, hash: null }));
  return kept.length ? JSON.stringify({ tabs: kept, activeTabIndex: Math.max(0, kept.findIndex(({ id }) => id === tabs[activeTabIndex]?.id)) }) : null;
}

/** The history may hold no secret at all: an entry that does is refused, and with that GraphiQL does not show it either. */
function withoutHeaders(value) {
  const entries = Object.entries(JSON.parse(value));
  if (entries.some(([, items]) => items.some(isSecret))) return null;
  return JSON.stringify(Object.fromEntries(entries.map(([name, items]) => [name, items.map(({ headers: _, ...item }) => item)])));
}

function withoutSecrets(history) {
  return JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(history)).map(([name, items]) => [name, items.filter((item) => !isSecret(item))])));
}

/** True when a tab, or an entry of the history, may not be kept. */
export function isSecret({ query, variables, headers, title, label, operationName }) {
  return holdsSecret(query, variables, headers, title, label, operationName) || givesVariable(variables, secretVariables());
}
