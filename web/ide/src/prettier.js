/** Prettier for GraphQL, a file of its own: loaded when somebody prettifies. */
import * as graphql from "prettier/plugins/graphql";
import { format as prettier } from "prettier/standalone";

export function format(text, options) { return prettier(text, { ...options, plugins: [graphql] }); }
