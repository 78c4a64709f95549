/** What the editors are called, which all call themselves "Editor content", and the stops of the Tab key before them; and how one leaves. */
import { useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";

const IS_MAC = /Mac|iP(hone|ad)/.test(navigator.platform);
export const RUN_KEY = IS_MAC ? "⌘ Enter" : "Ctrl+Enter";
/** WCAG 2.1.2: Tab indents, and whoever has no mouse is told of the way out. */
export const TAB_KEY = IS_MAC ? "⌃ ⇧ M" : "Ctrl+M";

const NAMES = { queryEditor: "GraphQL document", variableEditor: "Variables, a JSON object", headerEditor: "Extra headers, a JSON object", responseEditor: "Answer" };

export function useLabels() {
  const { queryEditor, variableEditor, headerEditor, responseEditor } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor, variableEditor: state.variableEditor, headerEditor: state.headerEditor, responseEditor: state.responseEditor,
  }));
  useEffect(() => {
    const editors = { queryEditor, variableEditor, headerEditor, responseEditor };
    for (const [key, name] of Object.entries(NAMES)) if (editors[key]) label(editors[key], name);
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);
}

/** Tab stops at what the editor is in, a nameless box, and Enter goes inside. */
function label(editor, name) {
  editor.updateOptions({ ariaLabel: `${name}. ${TAB_KEY} lets Tab leave the editor.` });
  const box = editor.getContainerDomNode();
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `${name}. Enter goes into the editor.`);
}
