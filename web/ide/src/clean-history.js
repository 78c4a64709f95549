/** The history in the panel, which GraphiQL has in memory. */
import { useHistory, useHistoryActions } from "@graphiql/plugin-history";
import { useEffect } from "react";
import { isSecret } from "./storage.js";

/** What looked harmless leaves the panel too when it turns out to be a secret; else the entries after it could not be kept either. */
export function useCleanHistory(desk) {
  const entries = useHistory();
  const { deleteFromHistory } = useHistoryActions();
  useEffect(() => {
    const clean = () => { for (const entry of entries.filter(isSecret)) deleteFromHistory(entry, true); };
    desk.addEventListener("secret", clean);
    // Another tab may have learnt it.
    addEventListener("storage", clean);
    return () => {
      desk.removeEventListener("secret", clean);
      removeEventListener("storage", clean);
    };
  }, [desk, entries, deleteFromHistory]);
}
