"""
How it is kept: one package per database, with the same file names in each.

Owns: SQL, migrations, transactions, what is durable when. Each store implements `gatepass.usecases.ports.Store`.
Does not know: HTTP, GraphQL, tokens, hashing, settings; the other store. What a verdict means is decided by the domain.
Called by: the composition root alone. Imports: usecases.ports and domain.
"""
