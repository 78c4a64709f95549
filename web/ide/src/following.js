/** React and our event targets: a component shows what they say now. */
import { useEffect, useReducer } from "react";

/** Render again at each of the events. */
export function useEvents(target, ...names) {
  const [, again] = useReducer((count) => count + 1, 0);
  const key = names.join(" ");
  useEffect(() => {
    for (const name of key.split(" ")) target.addEventListener(name, again);
    again();
    return () => { for (const name of key.split(" ")) target.removeEventListener(name, again); };
  }, [target, key]);
}
