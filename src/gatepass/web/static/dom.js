/** The element of this page with that id; the page's HTML is ours, so it is there. */
export function byId(id) { return document.getElementById(id); }

/** A new element whose content is text, whatever the text looks like. */
export function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
