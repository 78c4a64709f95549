"""
What differs from grant to grant; `oauth.token` has the phases that all of them share, and calls these.

Owns: a file for each `grant_type`: its parameters, and which use case it is a door to.
Does not know: which client asks and how that was proven, what it may have: that was settled before.
Called by: oauth.token.
"""
