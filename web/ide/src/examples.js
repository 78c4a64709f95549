/** The editor's first content: what to do before sign-in, and a query that runs as it is after. */
import { useGraphiQL } from "@graphiql/react";
import { exampleFor, SIGN_IN_EXAMPLE } from "gatepass-shared/example.js";
import { schemaFrom } from "gatepass-shared/schema.js";
import { introspectionFromSchema } from "graphql";
import { useEffect, useRef } from "react";

/** For a server that shows no schema, or one without a field. */
const NAMELESS = { query: "query Example {\n  __typename\n}\n", variables: "" };

/** Put the example for the schema into the editor, unless somebody wrote there. */
export function useExamples(session, desk) {
  const schema = useGraphiQL((state) => state.schema);
  const hasNone = useGraphiQL((state) => Boolean(state.fetchError));
  const editor = useGraphiQL((state) => state.queryEditor);
  const variables = useGraphiQL((state) => state.variableEditor);
  const placed = useRef(SIGN_IN_EXAMPLE);
  useEffect(() => {
    const showsMore = (schema || hasNone) && session.phase === "in";
    if (!editor || !variables || !showsMore || ![placed.current, desk.spent, ""].includes(editor.getValue())) return;
    const example = schema ? exampleOf(schema) : NAMELESS;
    placed.current = example.query;
    editor.setValue(example.query);
    variables.setValue(example.variables);
  }, [schema, hasNone, editor, variables, session, desk]);
}

function exampleOf(schema) {
  try {
    return exampleFor(schemaFrom(introspectionFromSchema(schema)), "the documentation explorer") ?? NAMELESS;
  } catch {
    // A schema that graphql-js would not write again is no reason to leave the editor as it is.
    return NAMELESS;
  }
}
