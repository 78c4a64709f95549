/** The page: GraphiQL, our panel in it, and what happens to it when somebody signs in or out. */
import { DOC_EXPLORER_PLUGIN } from "@graphiql/plugin-doc-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { SIGN_IN_EXAMPLE } from "gatepass-shared/example.js";
import { GraphiQL } from "graphiql";
import { useEffect, useMemo, useRef, useState } from "react";
import { AnswerBar } from "./answer-bar.jsx";
import { useCleanHistory } from "./clean-history.js";
import { Desk, SCHEMA_QUERY } from "./desk.js";
import { useExamples } from "./examples.js";
import { useEvents } from "./following.js";
import { useLabels } from "./labels.js";
import { passPlugin } from "./pass.jsx";
import { DeskStorage } from "./storage.js";

/** A visit lasts from one sign-out to the next; the next one begins with an empty desk. */
export function Page({ session }) {
  const [visit, setVisit] = useState(0);
  return <Visit key={visit} session={session} isFirst={visit === 0} end={() => setVisit((last) => last + 1)} />;
}

function Visit({ session, isFirst, end }) {
  const storage = useMemo(() => new DeskStorage(), []);
  const desk = useMemo(() => new Desk(session, storage), [session, storage]);
  const pass = useMemo(() => passPlugin(session, desk, { takesFocus: !isFirst }), [session, desk, isFirst]);
  const plugins = useMemo(() => [pass, HISTORY_PLUGIN], [pass]);
  useEffect(() => {
    const leave = () => {
      desk.clear();
      storage.retire();
      end();
    };
    session.addEventListener("leave", leave);
    return () => session.removeEventListener("leave", leave);
  }, [session, desk, storage, end]);
  return (
    <GraphiQL
      fetcher={desk.fetcher} storage={storage} plugins={plugins} referencePlugin={DOC_EXPLORER_PLUGIN}
      visiblePlugin={pass.title} defaultQuery={SIGN_IN_EXAMPLE} introspectionQueryName={SCHEMA_QUERY}
      shouldPersistHeaders={false} showPersistHeadersSettings={false} defaultEditorToolsVisibility={false} schemaDescription inputValueDeprecation
    >
      <GraphiQL.Logo><Name /></GraphiQL.Logo>
      <GraphiQL.Footer><AnswerBar session={session} desk={desk} /></GraphiQL.Footer>
      <Following session={session} desk={desk} />
    </GraphiQL>
  );
}

function Name() {
  const icon = document.querySelector("link[rel=icon]").href;
  return <h1 className="name"><img src={icon} alt="" width="22" height="22" />Gatepass</h1>;
}

/** Everything in GraphiQL that follows the session: the schema, the examples, and the rest that has to follow something. */
function Following({ session, desk }) {
  const { introspect, setTheme } = useGraphiQLActions();
  const theme = useGraphiQL((state) => state.theme);
  const activeTab = useGraphiQL((state) => state.activeTabIndex);
  const isIntrospecting = useGraphiQL((state) => state.isIntrospecting);
  const known = useRef(session.phase);
  useEvents(session, "change");
  const phase = session.phase;
  useEffect(() => {
    const before = known.current;
    known.current = phase;
    // Who takes up a kept sign-in asks for the schema at once, and that request waits for the token by itself.
    const isAsked = before === "held" && isIntrospecting;
    // Before sign-in the server shows another schema than after.
    if (phase !== before && phase !== "held" && !isAsked) void introspect();
  }, [phase, introspect, isIntrospecting]);
  useEffect(() => desk.clear(), [activeTab, desk]);
  useEffect(() => {
    // At dusk the style sheets follow the system by themselves, the editor has to be told.
    const system = matchMedia("(prefers-color-scheme: dark)"), follow = () => setTheme(theme);
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, [theme, setTheme]);
  useExamples(session, desk);
  useCleanHistory(desk);
  useLabels();
  return null;
}
