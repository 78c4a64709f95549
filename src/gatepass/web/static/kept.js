import { PLACE } from "./endpoint.js";

/** The server's setting: whether anything of a sign-in may outlive the page. Every page that uses this module carries it. */
const KEEPS_SIGN_IN = document.documentElement.dataset.keepsSignIn === "yes";
const TOKEN_KEY = `gatepass refresh token ${PLACE}`;
const HINT_KEY = `gatepass device hint ${PLACE}`;
/** A hint's own form, and no token's: whatever else a server calls a hint is not kept. */
const HINT = /^gph_[\w-]{56}$/;

/** The refresh token that an earlier page of this tab left, or "". Where site data is blocked, storages throw: then the page forgets. */
export function keptToken() {
  try { return (KEEPS_SIGN_IN && sessionStorage.getItem(TOKEN_KEY)) || ""; } catch { return ""; }
}

/** Keep the tab's refresh token; "" forgets it. */
export function keepToken(refreshToken) {
  try {
    if (refreshToken && KEEPS_SIGN_IN) sessionStorage.setItem(TOKEN_KEY, refreshToken);
    else sessionStorage.removeItem(TOKEN_KEY);
  } catch { /* see keptToken */ }
}

/** The device hint of the account that signed in last in this browser, or "". It opens nothing, and does not say whose it is. */
export function keptHint() {
  try { return (KEEPS_SIGN_IN && HINT.exec(localStorage.getItem(HINT_KEY) ?? "")?.[0]) || ""; } catch { return ""; }
}

/** Keep a device hint for the next sign-in. */
export function keepHint(hint) {
  try { if (KEEPS_SIGN_IN && typeof hint === "string" && HINT.test(hint)) localStorage.setItem(HINT_KEY, hint); } catch { /* see keptToken */ }
}

/** Forget the device hint: who signs out leaves nothing by which the next one here counts as a known client of theirs. */
export function forgetHint() {
  try { localStorage.removeItem(HINT_KEY); } catch { /* nothing is there */ }
}
