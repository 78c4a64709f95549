import "graphiql/graphiql.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
globalThis.MonacoEnvironment = { getWorker: (_, label) => new Worker(`${location.origin}${location.pathname}?ide=${WORKERS[label] ?? WORKERS.editor}`) };
createRoot(document.getElementById("ide")).render(<GraphiQL fetcher={async () => ({})} />);
