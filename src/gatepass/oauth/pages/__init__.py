"""
The pages on which people sign in for a client or let a device in: forms without script, without cookies.

Owns: `/oauth/authorize`, `/oauth/device` and `/oauth/static/`, their HTML, their Content-Security-Policy, and who may
post to them. A page keeps nothing: what a form carries is checked from the start when it comes back.
Does not know: how credentials are checked, what a code is kept as.
Called by: app, through `page_routes`. Imports: oauth, http, usecases, domain.
"""
