import { write } from "./paint.js";

const OPENERS = "{([", CLOSERS = "})]";

/** Make a textarea good for code: colours behind it, indentation, and a Tab key that Escape sets free. */
export function codeSheet(area, language) {
  let leaving = false;
  area.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey && !event.metaKey) indent(event, area);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) breakLine(event, area);
    else if (CLOSERS.includes(event.key)) outdentBlank(area);
    if (event.key !== "Tab" && event.key !== "Shift") leaving = event.key === "Escape";
  });
  area.addEventListener("blur", () => { leaving = false; });
  if (globalThis.Highlight && CSS.highlights) paintBehind(area, language);
}

/** Put text where the selection is, so that undo knows of it. */
export function insert(area, text) {
  area.focus();
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (done) return;
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Replace all of a textarea's text. */
export function fill(area, text) {
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The textarea's letters are transparent and a layer of the same metrics behind it shows them in colours. */
function paintBehind(area, language) {
  const layer = document.createElement("pre");
  layer.className = "layer";
  layer.setAttribute("aria-hidden", "true");
  area.before(layer);
  area.classList.add("painted");
  const follow = () => { layer.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`; };
  const repaint = () => { write(layer, area.value, language); follow(); };
  area.addEventListener("input", repaint);
  area.addEventListener("scroll", follow, { passive: true });
  repaint();
}

function indent(event, area) {
  event.preventDefault();
  const { value, selectionStart, selectionEnd } = area;
  if (selectionStart === selectionEnd && !event.shiftKey) return insert(area, "  ");
  const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
  const lines = value.slice(start, selectionEnd).split("\n");
  const moved = lines.map((line) => (event.shiftKey ? line.replace(/^ {1,2}/, "") : `  ${line}`)).join("\n");
  area.setSelectionRange(start, selectionEnd);
  insert(area, moved);
  if (lines.length > 1) area.setSelectionRange(start, start + moved.length);
}

function breakLine(event, area) {
  event.preventDefault();
  const before = area.value.slice(0, area.selectionStart);
  const margin = /^ */.exec(before.slice(before.lastIndexOf("\n") + 1))[0];
  const opener = OPENERS.indexOf(before.trimEnd().at(-1) ?? " ");
  const closes = opener >= 0 && area.value[area.selectionEnd] === CLOSERS[opener];
  insert(area, `\n${margin}${opener >= 0 ? "  " : ""}${closes ? `\n${margin}` : ""}`);
  if (closes) area.setSelectionRange(area.selectionStart - margin.length - 1, area.selectionStart - margin.length - 1);
}

function outdentBlank(area) {
  const { value, selectionStart, selectionEnd } = area;
  const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
  if (selectionStart !== selectionEnd || !/^ {2,}$/.test(value.slice(start, selectionStart))) return;
  area.setSelectionRange(selectionStart - 2, selectionStart);
  insert(area, "");
}
