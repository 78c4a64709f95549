import { byId, element } from "./dom.js";
import { copy, curlOf, headerOf, pythonOf } from "./snippets.js";

/**
 * The pass at the top of the page: the sign-in form, or who is signed in and for how long.
 *
 * `snippet()` gives the editor's request for the copy buttons and raises when it cannot be sent; `say(text)` announces a short word.
 */
export function mountGate(session, { snippet, say }) {
  let shown = "out";

  const show = () => {
    const phase = session.phase;
    byId("sign-in").hidden = phase !== "out";
    byId("signed-in").hidden = phase === "out";
    if (phase !== "out") showAccount(session);
    byId("pass-problem").textContent = session.trouble && `Not renewed: ${session.trouble} Trying again by itself.`;
    if (phase === "out" && session.farewell) byId("sign-in-problem").textContent = session.farewell;
    if (phase === "in" && shown !== "in") byId("sign-in-problem").textContent = "";
    shown = phase;
  };
  session.addEventListener("change", show);
  session.addEventListener("tick", () => showClock(session));
  session.addEventListener("leave", () => {
    byId("sign-in").reset();
    reveal(false);
  });

  byId("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    void signIn(session, say);
  });
  byId("reveal").addEventListener("click", () => reveal(byId("password").type === "password"));
  byId("renew").addEventListener("click", () => void renew(session, say));
  byId("leave").addEventListener("click", async () => {
    const told = session.signOut();
    byId("user-name").focus();
    say("Signing out …");
    const reason = await told;
    say(reason ? "" : "Signed out.");
  });
  for (const [id, textOf] of [["copy-curl", curlOf], ["copy-python", pythonOf]]) {
    byId(id).addEventListener("click", () => copyText(() => textOf({ ...snippet(), bearer: session.bearer }), say));
  }
  byId("copy-header").addEventListener("click", () => copyText(() => headerOf(session.bearer), say));
  byId("credentials").disabled = false;
}

async function signIn(session, say) {
  const name = byId("user-name"), password = byId("password"), enter = byId("enter"), problem = byId("sign-in-problem");
  // As plain text the browser could keep the password among its form entries.
  reveal(false);
  problem.textContent = "";
  enter.disabled = true;
  enter.textContent = "Signing in …";
  try {
    await session.signIn(name.value.trim(), password.value);
    password.value = "";
    say(`Signed in${session.account ? ` as ${session.account}` : ""}.`);
    byId("query").focus();
  } catch (trouble) {
    problem.textContent = trouble.message;
    if (trouble.code) problem.append(" ", element("code", "", trouble.code));
    password.focus();
    password.select();
  } finally {
    enter.disabled = false;
    enter.textContent = "Sign in";
  }
}

async function renew(session, say) {
  try {
    await session.renew();
    say("Renewed.");
  } catch {
    // The session's change event has said why.
    if (session.phase === "out") byId("user-name").focus();
  }
}

function reveal(shows) {
  byId("password").type = shows ? "text" : "password";
  byId("reveal").textContent = shows ? "Hide" : "Show";
  byId("reveal").setAttribute("aria-pressed", String(shows));
}

async function copyText(make, say) {
  let text;
  try {
    text = make();
  } catch (problem) {
    return say(problem.message);
  }
  say((await copy(text)) ? "Copied, with the token in it." : "The browser did not allow copying.");
}

function showAccount(session) {
  const isIn = session.phase === "in";
  byId("phase").textContent = isIn ? "Signed in" : "One moment";
  byId("account").textContent = isIn ? session.account : "Taking up your sign-in …";
  byId("account").title = isIn ? session.account : "";
  const scopes = session.scopes.map((scope) => element("li", "", scope));
  byId("scopes").replaceChildren(...(scopes.length ? scopes : ["–"]));
  for (const id of ["copy-curl", "copy-python", "copy-header"]) byId(id).disabled = !isIn;
  byId("renew").disabled = !session.renews;
  showClock(session);
}

function showClock(session) {
  if (session.phase === "out") return;
  const left = Math.ceil(session.secondsLeft);
  const hours = Math.floor(left / 3600), minutes = Math.floor(left / 60) % 60, seconds = String(left % 60).padStart(2, "0");
  byId("left").textContent = session.phase === "in" ? (hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`) : "–:––";
  byId("life").value = session.life ? session.secondsLeft / session.life : 0;
}
