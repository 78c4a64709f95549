import { indexOf } from "./document.js";
import { byId, element } from "./dom.js";
import { Trouble } from "./endpoint.js";
import { indented, unpaint, write } from "./paint.js";

const MOST_CHARACTERS = 1_000_000;
const MOST_EVENTS = 200;

/** Empty the result pane, with a sentence in it. */
export function clearAnswer(sentence = "Nothing was run yet.") {
  replaceResult(element("p", "empty", sentence));
  byId("places").replaceChildren();
  say("", "");
}

/** Show a whole answer: what it cost in the status line, its errors as places to go to, its JSON. */
export function showAnswer(answer) {
  const errors = answer.errors.length;
  const size = new Blob([answer.text]).size;
  const facts = [`${answer.status} ${answer.reason}`.trim(), `${Math.round(answer.milliseconds)} ms`, sizeText(size)];
  say([errors ? `${errors} error${errors > 1 ? "s" : ""}` : "", ...facts].filter(Boolean).join(" · "), errors || answer.status >= 400 ? "bad" : "good");
  showPlaces(answer.errors);
  replaceResult(...jsonBlocks(answer));
}

/** Show that there was no answer at all. */
export function showFailure(message) {
  say("No answer", "bad");
  byId("places").replaceChildren();
  replaceResult(element("p", "empty", message));
}

/** Until an answer comes the last one stays to read, unless it is a stream that is over now. */
export function showWaiting() {
  say("Waiting …", "");
  if (byId("result").querySelector(".events")) replaceResult();
}

/** The text that the result pane shows. */
export function shownText() {
  return Array.from(byId("result").querySelectorAll("pre"), (block) => block.textContent).join("\n");
}

/** Append a subscription's events until it completes, breaks or is stopped; newest last, the oldest dropped past a limit. */
export async function showStream(events, signal) {
  const end = await appendAll(events, signal);
  // Stopped because something else is to be shown by now: then the pane is no longer ours.
  if (byId("result").contains(end.list)) say(`${end.how} · ${counted(end.count)}`, end.mood);
}

async function appendAll(events, signal) {
  const list = element("ol", "events");
  let count = 0;
  byId("places").replaceChildren();
  replaceResult(list);
  say("Streaming …", "good");
  try {
    for await (const { event, data } of events) {
      if (event === "complete") return { list, count, how: "Complete", mood: "good" };
      count += 1;
      append(list, count, data);
    }
    return { list, count, how: "The server ended the stream", mood: "good" };
  } catch (error) {
    if (signal.aborted) return { list, count, how: "Stopped", mood: "good" };
    return { list, count, how: error instanceof Trouble ? error.message.replace(/\.$/, "") : "The stream broke", mood: "bad" };
  }
}

function append(list, count, data) {
  const scroller = byId("result");
  const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
  const item = element("li", "");
  const text = element("pre", "");
  item.append(element("p", "stamp", `${count} · ${new Date().toLocaleTimeString()}`), text);
  list.append(item);
  write(text, isJson(data) ? indented(data) : data, "json");
  while (list.childElementCount > MOST_EVENTS) {
    unpaint(list.firstElementChild.querySelector("pre"));
    list.firstElementChild.remove();
  }
  if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
}

function jsonBlocks({ text, isJson: valid }) {
  const block = element("pre", "");
  const whole = valid ? indented(text) : text;
  write(block, whole.slice(0, MOST_CHARACTERS), "json");
  return whole.length > MOST_CHARACTERS ? [element("p", "empty", `Only the first ${sizeText(MOST_CHARACTERS)} are shown.`), block] : [block];
}

/** Each error that names a place in the document becomes a button that puts the caret there. */
function showPlaces(errors) {
  const located = errors.filter((error) => Number.isInteger(error.locations?.[0]?.line)).slice(0, 5);
  byId("places").replaceChildren(...located.map((error) => {
    const [{ line, column }] = error.locations;
    const item = element("li", "", `${String(error.message)} `);
    const button = element("button", "", `line ${line}, column ${column}`);
    button.type = "button";
    button.addEventListener("click", () => goTo({ line, column: column ?? 1 }));
    item.append(button);
    return item;
  }));
}

function goTo(place) {
  const query = byId("query");
  const index = indexOf(query.value, place);
  query.focus();
  query.setSelectionRange(index, index);
}

function replaceResult(...children) {
  const result = byId("result");
  for (const block of result.querySelectorAll("pre")) unpaint(block);
  result.replaceChildren(...children);
  byId("copy-result").hidden = !children.some((child) => child.matches("pre, ol"));
  result.scrollTop = 0;
}

function say(text, mood) {
  byId("status").textContent = text;
  byId("status").className = mood;
}

function isJson(text) {
  try { JSON.parse(text); return true; } catch { return false; }
}

function counted(count) { return `${count} event${count === 1 ? "" : "s"}`; }
function sizeText(bytes) { return bytes < 1000 ? `${bytes} B` : bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`; }
