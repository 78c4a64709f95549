"""
What is true: frozen values and pure rules.

Owns: accounts, passwords, sessions, tokens and what may be said about them; the tree of errors.
Does not know: HTTP, GraphQL, SQL, files, clocks or random sources. Time and randomness come in as arguments.
Called by: everyone. Imports: the standard library only.
"""
