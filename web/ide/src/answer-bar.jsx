/** Below the answer: its status, the advice of its errors in plain text, and the offer to use a token that is in it. */
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect } from "react";
import { useEvents } from "./following.js";
import { RUN_KEY, TAB_KEY } from "./labels.js";

const MOST_ERRORS = 3;
const HINT = `${RUN_KEY} runs the query; the answer is shown here. ${TAB_KEY} lets Tab leave the editor.`;

export function AnswerBar({ session, desk }) {
  useEvents(desk, "change");
  const { setVisiblePlugin, updateActiveTabValues } = useGraphiQLActions();
  const { responseEditor, queryEditor } = useGraphiQL((state) => ({ responseEditor: state.responseEditor, queryEditor: state.queryEditor }));
  const { facts, mood, errors, pair } = desk.answer;
  useEffect(() => {
    // On a narrow screen the answer is below what was pressed.
    if (desk.runs && matchMedia("(max-width: 820px)").matches) document.querySelector(".graphiql-response").scrollIntoView({ block: "nearest" });
  }, [desk.runs]);

  // The mutation and its answer, password and tokens in clear, have served when their token is taken over.
  const takeOver = () => {
    responseEditor?.setValue("");
    updateActiveTabValues({ response: "" });
    desk.takeOver(queryEditor?.getValue() ?? "");
    queryEditor?.focus();
  };
  const needsSignIn = session.phase === "out" && errors.some((error) => error.extensions?.code === "UNAUTHENTICATED");
  return (
    <div className="answer">
      {pair && <p className="offer"><span>This answer carries a token.</span> <button className="main" type="button" onClick={takeOver}>Use this token</button></p>}
      <ul className="advice" aria-label="Errors" aria-live="polite">{errors.slice(0, MOST_ERRORS).map((error, index) => <Advice key={index} error={error} />)}</ul>
      {needsSignIn && <p className="offer"><span>This needs a sign-in.</span> <button className="main" type="button" onClick={() => showForm(setVisiblePlugin)}>Sign in</button></p>}
      <p className={`facts ${mood}`} role="status">{facts || HINT}</p>
    </div>
  );
}

function Advice({ error: { message, extensions, locations } }) {
  const [place] = Array.isArray(locations) ? locations : [];
  return <li>{String(message)} {place && <span className="small">line {place.line}, column {place.column}</span>} {typeof extensions?.code === "string" && extensions.code && <code>{extensions.code}</code>}</li>;
}

function showForm(setVisiblePlugin) {
  setVisiblePlugin("Sign-in");
  requestAnimationFrame(() => document.getElementById("user-name")?.focus());
}
