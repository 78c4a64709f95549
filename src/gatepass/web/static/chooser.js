import { completionsAt } from "./completion.js";
import { element } from "./dom.js";
import { insert } from "./sheet.js";

/**
 * A list of completions under the caret, opened with Ctrl+Space (Option+Space on a Mac, where the system keeps Ctrl+Space).
 *
 * `schema()` resolves to the schema or null. Must be mounted before the sheet's own keys, which yield to it.
 */
export function mountChooser(area, schema) {
  const list = element("ul", "chooser");
  Object.assign(list, { id: "completions", role: "listbox", ariaLabel: "Completions", hidden: true });
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  area.after(list);
  let options = [], start = 0, chosen = 0;

  const close = () => {
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    chosen = (index + options.length) % options.length;
    [...list.children].forEach((item, at) => { item.ariaSelected = String(at === chosen); });
    list.children[chosen].scrollIntoView({ block: "nearest" });
    area.setAttribute("aria-activedescendant", list.children[chosen].id);
  };
  const accept = (index) => {
    area.setSelectionRange(start, area.selectionEnd);
    close();
    insert(area, options[index].name);
  };
  const open = async (isAsked) => {
    const known = await schema();
    if (!known || document.activeElement !== area || area.selectionStart !== area.selectionEnd) return close();
    ({ options, start } = completionsAt(known, area.value, area.selectionStart));
    const typed = area.value.slice(start, area.selectionStart);
    if (isAsked && options.length === 1) return accept(0);
    if (!options.length || (!isAsked && !typed)) return close();
    list.replaceChildren(...options.map(({ name, detail }, index) => {
      const item = element("li", "", name);
      Object.assign(item, { id: `completion-${index}`, role: "option" });
      item.append(element("small", "", detail));
      item.addEventListener("mousedown", (event) => { event.preventDefault(); accept(index); });
      return item;
    }));
    list.hidden = false;
    placeUnderCaret(list, area, start);
    choose(0);
  };
  const keys = {
    ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1),
    Enter: () => accept(chosen), Tab: () => accept(chosen), Escape: close,
  };
  area.addEventListener("keydown", (event) => {
    const asks = event.code === "Space" && (event.ctrlKey || event.altKey);
    const answer = !list.hidden && !event.ctrlKey && !event.metaKey && !event.shiftKey && keys[event.key];
    if (event.isComposing || !(asks || answer)) return;
    event.preventDefault();
    if (asks) void open(true);
    else answer();
  });
  area.addEventListener("input", () => { if (!list.hidden) void open(false); });
  for (const name of ["blur", "scroll", "pointerdown"]) area.addEventListener(name, close);
}

function placeUnderCaret(list, area, index) {
  const style = getComputedStyle(area), before = area.value.slice(0, index).split("\n");
  const measure = document.createElement("canvas").getContext("2d");
  measure.font = style.font;
  const left = measure.measureText(before.at(-1)).width + parseFloat(style.paddingLeft) - area.scrollLeft;
  const top = before.length * parseFloat(style.lineHeight) + parseFloat(style.paddingTop) - area.scrollTop;
  list.style.left = `${Math.max(0, Math.min(left, area.clientWidth - list.offsetWidth))}px`;
  const above = top + list.offsetHeight > area.clientHeight && top > list.offsetHeight + parseFloat(style.lineHeight);
  list.style.top = `${above ? top - list.offsetHeight - parseFloat(style.lineHeight) : top}px`;
}
