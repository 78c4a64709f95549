/** The editor's first content: what to do before sign-in, and a query that runs as it is after. */
import { useGraphiQL } from "@graphiql/react";
import { exampleFor, SIGN_IN_EXAMPLE } from "gatepass-shared/example.js";
import { schemaFrom } from "gatepass-shared/schema.js";
import { introspectionFromSchema } from "graphql";
import { useEffect, useRef } from "react";

const PLAIN_EXAMPLE = "query Example {\n  __typename\n}\n";

/** Put the example for the schema into the editor, unless somebody wrote there. */
export function useExamples(session, desk) {
  const schema = useGraphiQL((state) => state.schema);
  const editor = useGraphiQL((state) => state.queryEditor);
  const variables = useGraphiQL((state) => state.variableEditor);
  const placed = useRef(SIGN_IN_EXAMPLE);
  useEffect(() => {
    const showsMore = schema && session.phase === "in";
    if (!editor || !variables || !showsMore || ![placed.current, desk.spent, ""].includes(editor.getValue())) return;
    const example = exampleOf(schema);
    placed.current = example.query;
    editor.setValue(example.query);
    variables.setValue(example.variables);
  }, [schema, editor, variables, session, desk]);
}

function exampleOf(schema) {
  try {
    return exampleFor(schemaFrom(introspectionFromSchema(schema)), "The documentation explorer") ?? { query: PLAIN_EXAMPLE, variables: "" };
  } catch {
    // A schema that graphql-js would not write again is no reason to leave the editor as it is.
    return { query: PLAIN_EXAMPLE, variables: "" };
  }
}
