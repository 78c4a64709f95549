/** Starts the GraphiQL page: its workers, its rules for markup, the tab's session, and then the page. */
import "./markup.js";
import "graphiql/graphiql.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "./look.css";
import { ENDPOINT } from "gatepass-shared/endpoint.js";
import { Session } from "gatepass-shared/session.js";
import { createRoot } from "react-dom/client";
import { Page } from "./page.jsx";

globalThis.MonacoEnvironment = { getWorker: (_, label) => new Worker(`${ENDPOINT}?ide=${WORKERS[label] ?? WORKERS.editor}`) };
document.title = `Gatepass · ${location.host}${location.pathname}`;

const session = new Session();
// Not awaited: whoever sends a request meanwhile waits for the token by itself.
void session.begin();
createRoot(document.getElementById("ide")).render(<Page session={session} />);
