"""Documents and bodies that were made to hurt, for every door that takes one."""

from __future__ import annotations

import gzip
import json


def fragments(selection: str, count: int) -> str:
    """Fragments F0, F1, … which select this; `{next}` is the number of the following one."""
    return "".join(f"fragment F{n} on Q{{{selection.replace('{next}', str(n + 1))}}}" for n in range(count))


def chain(selection: str, length: int) -> str:
    """Fragments of which each spreads the next, and an end."""
    return fragments(selection, length) + f"fragment F{length} on Q{{end}}"


TOO_LARGE = {
    "a megabyte of brackets": "[" * 1_000_000,
    "deep selections": "{a" * 5_000 + "}" * 5_000,
    "deep inline fragments": "{" + "...{" * 4_000 + "a" + "}" * 4_001,
    "deep lists": "{a(b:" + "[" * 9_000,
    "deep objects": "{a(b:" + "{a:" * 9_000,
    "deep list types": "query($a:" + "[" * 9_000 + "I" + "]" * 9_000 + "){a}",
    "ten thousand aliases": "{" + "".join(f"a{n}:b " for n in range(10_000)) + "}",
    "aliases below the token limit": "{" + "a:b " * 3_000 + "}",
    "many tokens": "{" + "a " * 20_000 + "}",
    "many comments": "{a" + "#\n" * 30_000 + "}",
    "many root fields": "{" + "a " * 9_000 + "}",
    "a huge string": '{a(b:"' + "x" * 100_000 + '")}',
}

REFUSED = {
    "a fragment that spreads itself": "{...F} fragment F on Q{...F}",
    "two fragments in a circle": "{...F} fragment F on Q{a{...G}} fragment G on Q{b{...F}}",
    "a long circle": "{...F0}" + "".join(f"fragment F{n} on Q{{...F{(n + 1) % 900}}}" for n in range(900)),
    "a circle nobody uses": "{a} fragment F on Q{...F}",
    "a spread of nothing": "{...F}",
    "brackets up to the length limit": "{" * 65_536,
    "NUL between tokens": "{a\x00}",
    "a control character": "{\x07}",
    "only a byte order mark": "\ufeff",
    "nothing": "",
    "a lone quote": '"',
    "a lone block quote": '"""',
    "an escape at the end": '{a(b:"\\',
    "a half escape at the end": '{a(b:"\\u12',
    "half a surrogate pair": '{a(b:"\\ud800")}',
    "a character beyond Unicode": '{a(b:"\\u{110000}")}',
    "an endless escape": '{a(b:"\\u{' + "0" * 10_000,
    "accents that have to change places": "\u0f73" * 20_000,
    "a thousand operations, none chosen": "".join(f"query q{n}{{a}}" for n in range(1_000)),
}

FORWARDED = {
    "huge numbers": "{a(b:" + "9" * 60_000 + ", c: 1e" + "9" * 3_000 + ")}",
    "a long string of quotes": '{a(b:"' + '\\"' * 30_000 + '")}',
    "a long block string": '{a(b:"""' + '\\"""' * 15_000 + '""")}',
    "a long name": "{" + "a" * 65_000 + "}",
    "many spreads of few fragments": "{a{" + "...F...G" * 2_000 + "}} fragment F on Q{...G} fragment G on Q{b}",
    "a thousand fragments": "{...F0}" + chain("...F{next}", 1_000),
    "a hundred fragments in one": "{" + "".join(f"...F{n} " for n in range(100)) + "}" + fragments("a", 100),
    "many directives": "{a" + "@b(c:1)" * 1_400 + "}",
    "many variables": "query(" + "".join(f"$v{n}:I " for n in range(2_000)) + "){a}",
    "many arguments": "{a(" + "".join(f"b{n}:1 " for n in range(3_000)) + ")}",
    "many operations": "query q{a}" + "".join(f"query q{n}{{...F0}}" for n in range(500)) + chain("b ...F{next}", 400),
    "doubling fragments": "{...F0}" + chain("...F{next} ...F{next}", 900),
    "sign-in everywhere but at the root": '{a(signIn:"signIn"){signIn(signIn:signIn){signInRefresh}}}',
}


SIGN_IN = 'signIn(useManagementflow:true,credentials:{userName:"a@example.org",password:"x"}){accessToken}'
ANSWERED_HERE = {
    "ten thousand sign-ins": "mutation{" + "".join(f"a{n}:{SIGN_IN}" for n in range(10_000)) + "}",
    "a hundred sign-ins": "mutation{" + "".join(f"a{n}:{SIGN_IN}" for n in range(100)) + "}",
    "a sign-in in circling fragments": f"mutation{{...F}}fragment F on Mutation{{{SIGN_IN}...G}}"
    "fragment G on Mutation{...F}",
    "a sign-in deep in lists": "mutation{signIn(useManagementflow:" + "[" * 60 + "true" + "]" * 60 + "){accessToken}}",
    "fields that might conflict": "mutation{signOut{" + "sessions " * 130 + "}}",
    "fragments that might conflict": "mutation{signOut{" + "...F " * 40 + "}}fragment F on SignedOut{sessions}",
    "errors below empty lines": "mutation{" + "\n" * 60_000 + "signOut{" + "".join(f"a{n} " for n in range(120)) + "}}",
    "an account by many names": "{gatepass{" + "".join(f"a{n}:issuer " for n in range(140)) + "}}",
    "a schema in a schema": "{__schema{types{" + "fields{type{" * 12 + "name" + "}}" * 12 + "}}}",
    "a schema by many names": "{" + "".join(f"a{n}:__schema{{types{{name}}}}" for n in range(90)) + "}",
    "a schema in circling fragments": "{__schema{types{...F}}}fragment F on __Type{ofType{...F}}",
}
"""Documents for fields of ours, which are validated here."""


def envelope(query: str = "{a}", **members: object) -> bytes:
    """A request body."""
    return json.dumps({"query": query, **members}).encode()


def _variables(text: str) -> bytes:
    return b'{"query":"{a}","variables":{"v":' + text.encode() + b"}}"


BODIES = {
    "a megabyte of opening brackets": b"[" * 1_000_000,
    "a megabyte of opening braces": b'{"a":' * 200_000,
    "variables nested forty thousand deep": _variables("[" * 40_000 + "]" * 40_000),
    "variables nested a hundred deep": _variables("[" * 97 + "]" * 97),
    "half a million small lists": _variables("[" + "[]," * 300_000 + "[]]"),
    "a number of a hundred thousand digits": _variables("9" * 100_000),
    "a number beyond any": _variables("1e999999999"),
    "a fraction of a hundred thousand digits": _variables("0." + "1" * 100_000),
    "a lone surrogate": _variables('"\\ud800"'),
    "a lone surrogate as a name": _variables('{"\\udfff":1}'),
    "NUL in a string": _variables('"\\u0000"'),
    "NUL as it is": b'{"query":"{a}","variables":{"v":"\x00"}}',
    "a name twice": b'{"query":"{a}","query":"{b}"}',
    "a name twice, deep": _variables('{"a":[{"b":1,"b":2}]}'),
    "a name twice, once escaped": b'{"query":"{a}","qu\\u0065ry":"{b}"}',
    "__proto__": _variables('{"__proto__":{"admin":true}}'),
    "__proto__, escaped": _variables('{"\\u005f_proto__":{"admin":true}}'),
    "constructor.prototype": _variables('{"constructor":{"prototype":{"admin":true}}}'),
    "ten thousand operations in a batch": b"[" + b",".join([b'{"query":"{a}"}'] * 10_000) + b"]",
    "five thousand sign-ins in a batch": b"[" + b",".join([envelope("mutation{" + SIGN_IN + "}")] * 5_000) + b"]",
    "fifty thousand variables": envelope(variables={f"v{n}": n for n in range(50_000)}),
    "a string of a megabyte": _variables('"' + "x" * 1_000_000 + '"'),
    "a string without an end": b'{"query":"' + b'\\"' * 400_000,
    "backslashes without an end": b'{"query":"' + b"\\" * 800_000,
    "no UTF-8": b'{"query":"\xff\xfe"}',
    "UTF-16": '{"query":"{a}"}'.encode("utf-16"),
    "gzip": gzip.compress(envelope()),
    "ten megabytes in ten kilobytes": gzip.compress(b" " * 10_000_000),
    "nothing": b"",
    "a lone quote": b'"',
    "more than a body may have": b" " * 1_100_000,
    "a member of every wrong kind": envelope(operationName=[], variables="x", extensions=7),
    "a name as long as a document": envelope(operationName="a" * 900_000),
    "a name of spaces": envelope(
        "mutation($c:SignInCredentials!){signIn(useManagementflow:true,credentials:$c){accessToken}}",
        variables={"c": {"userName": "a@example.org", "password": "x", " " * 8_000: 1}},
    ),
    "an endless chain of extensions": envelope(extensions={"a": "[" * 500_000}),
}
"""Bodies of which the document is the least."""
