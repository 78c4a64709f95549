import { clearAnswer, shownText, showAnswer, showFailure, showStream, showWaiting } from "./answer.js";
import { mountChooser } from "./chooser.js";
import { byId } from "./dom.js";
import { exampleFor, SIGN_IN_EXAMPLE } from "./example.js";
import { mountGate } from "./gate.js";
import { Reference } from "./reference.js";
import { mountOperations, readRequest } from "./request.js";
import { Session } from "./session.js";
import { codeSheet, fill } from "./sheet.js";
import { copy } from "./snippets.js";
import { pairIn } from "./tokens.js";

const PLAIN_EXAMPLE = "query Example {\n  __typename\n}\n";
const WORD_MS = 8000;

const session = new Session();
const reference = new Reference(session);
let running = null;
let offered = null;
let placed = "";
let saying = 0;

function say(text) {
  byId("word").textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => { byId("word").textContent = ""; }, WORD_MS);
}

/** Put an example into the editor, unless somebody wrote there. */
function place(query, variables = "") {
  if (byId("query").value !== placed) return;
  placed = query;
  fill(byId("query"), query);
  byId("query").setSelectionRange(0, 0);
  if (variables) byId("variables-part").open = true;
  fill(byId("variables"), variables);
}

async function placeExample() {
  const schema = await reference.load();
  const { selectionStart, selectionEnd } = byId("query");
  // Who has selected the text is about to write over it.
  if (session.phase !== "in" || selectionStart !== selectionEnd) return;
  const example = schema && exampleFor(schema, "“Schema”");
  place(example?.query ?? PLAIN_EXAMPLE, example?.variables);
}

async function run() {
  running?.abort();
  let asked;
  try {
    asked = readRequest();
  } catch {
    return;
  }
  const turn = running = new AbortController();
  showTab("result");
  offer(null);
  setBusy(true);
  showWaiting();
  try {
    const options = { headers: asked.headers, streams: asked.streams, signal: turn.signal };
    const answer = await session.send(asked.request, options);
    if (running !== turn) return;
    if (answer.stream) await showStream(session.follow(answer, asked.request, options), turn.signal);
    else {
      showAnswer(answer);
      if (asked.type === "mutation") offer(pairIn(answer.data));
    }
  } catch (error) {
    if (running === turn) showFailure(turn.signal.aborted ? "Stopped." : error.message);
  } finally {
    if (running === turn) {
      running = null;
      setBusy(false);
      if (matchMedia("(max-width: 820px)").matches) byId("result-panel").scrollIntoView({ block: "nearest" });
    }
  }
}

function setBusy(isBusy) {
  if (!isBusy && document.activeElement === byId("stop")) byId("run").focus();
  byId("stop").hidden = !isBusy;
  byId("result").setAttribute("aria-busy", String(isBusy));
}

function offer(pair) {
  offered = pair;
  byId("offer").hidden = !pair;
}

/** The mutation and its answer, password and tokens in clear, have served when their token is taken over. */
function useToken() {
  placed = byId("query").value;
  session.adopt(offered);
  clearAnswer("Signed in with the token of the answer.");
  offer(null);
  byId("query").focus();
}

/** Nothing stays for others to read when the user has left the desk; a sign-in that ends by itself leaves it as it is. */
function clearDesk() {
  running?.abort();
  offer(null);
  clearAnswer();
  fill(byId("headers"), "");
  placed = byId("query").value;
  place(SIGN_IN_EXAMPLE);
}

function showTab(name) {
  for (const each of ["result", "schema"]) {
    byId(`${each}-tab`).setAttribute("aria-selected", String(each === name));
    byId(`${each}-tab`).tabIndex = each === name ? 0 : -1;
    byId(`${each}-panel`).hidden = each !== name;
  }
  if (name === "schema") void reference.open();
}

function mountTabs() {
  const tabs = [byId("result-tab"), byId("schema-tab")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => showTab(tab.id.replace("-tab", "")));
    tab.addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = tabs.find((each) => each !== tab);
      other.focus();
      other.click();
    });
  }
}

function followSession() {
  let known = session.phase;
  session.addEventListener("leave", clearDesk);
  session.addEventListener("change", () => {
    const phase = session.phase;
    if (phase === known) return;
    const isShown = !byId("schema-panel").hidden;
    known = phase;
    if (phase === "held") return;
    reference.forget();
    if (isShown) void reference.open();
    if (phase === "in") void placeExample();
    else place(SIGN_IN_EXAMPLE);
  });
}

function nameMacKeys() {
  for (const id of ["run-keys", "keys-run"]) byId(id).textContent = "⌘ Enter";
  byId("keys-complete").textContent = "⌥ Space";
}

async function begin() {
  byId("endpoint").textContent = location.host + location.pathname;
  document.title = `Gatepass · ${location.host}${location.pathname}`;
  byId("scriptless").hidden = true;
  byId("insecure").hidden = isSecureContext;
  if (/Mac|iP(hone|ad)/.test(navigator.platform)) nameMacKeys();
  mountChooser(byId("query"), () => reference.load());
  codeSheet(byId("query"), "graphql");
  codeSheet(byId("variables"), "json");
  codeSheet(byId("headers"), "json");
  mountOperations();
  mountTabs();
  mountGate(session, { snippet: readRequest, say });
  followSession();
  byId("run").addEventListener("click", () => void run());
  byId("stop").addEventListener("click", () => running?.abort());
  byId("use-token").addEventListener("click", useToken);
  byId("copy-result").addEventListener("click", async () => say((await copy(shownText())) ? "Copied." : "The browser did not allow copying."));
  byId("run").disabled = false;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.target.closest("form")) return;
    event.preventDefault();
    void run();
  });
  await session.begin();
  if (session.phase === "out") place(SIGN_IN_EXAMPLE);
}

void begin();
