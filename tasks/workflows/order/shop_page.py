"""The one page of the sample shop: its books, and the switches for faults. Everything shown is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
SHOWN = 50  # rows of a table, the newest
CSS = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: .3rem .5rem;
  text-align: start; vertical-align: top; white-space: pre-line; overflow-wrap: break-word; }
td { max-inline-size: 26rem; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
label { display: grid; gap: .2rem; }
input, select, button { font: inherit; padding: .3rem .5rem; min-block-size: 2.2rem; }
section { overflow-x: auto; }
"""


def page(
    books: dict[str, list[dict[str, Any]]],
    faults: list[dict[str, Any]],
    services: list[str],
    kinds: dict[str, str],
) -> str:
    """The page as HTML."""
    tables = "".join(
        f"<section tabindex='0' aria-label='{escape(name.capitalize())}'>"
        f"<h2>{escape(name.capitalize())} ({len(rows)})</h2>{_table(rows) or '<p>Nothing yet.</p>'}</section>"
        for name, rows in books.items()
    )
    meanings = "".join(f"<li><b>{escape(kind)}</b>: {escape(text)}</li>" for kind, text in kinds.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sample shop</title>
<link rel="stylesheet" href="/shop.css">
</head>
<body>
<main>
<h1>Sample shop</h1>
<p>This is not Clawbot: it stands for the services of somebody else, so that the order workflow has
somebody to ask. Nothing here is real; no card is charged and no mail is sent. Switch a fault on and watch
what becomes of the orders.</p>
<section>
<h2>Faults</h2>
<form method="post" action="/faults">
<label>Service {_select("service", services)}</label>
<label>Fault {_select("kind", [*kinds, "none"])}</label>
<label>Order, empty for every one <input name="order" placeholder="ORD-3" maxlength="100"></label>
<label>Times, 0 for ever <input name="times" type="number" min="0" max="1000000" placeholder="1"></label>
<button>Switch</button>
</form>
<p>{"Switched on:" if faults else "None is switched on."}</p>
{_table(faults)}
<ul>{meanings}<li><b>none</b>: mends the service</li></ul>
</section>
<section>
<h2>Restock</h2>
<form method="post" action="/stock">
<label>Article {_select("sku", [str(row["sku"]) for row in books["stock"]])}</label>
<label>How many more <input name="more" type="number" min="1" max="1000000" value="10" required></label>
<button>Put on the shelf</button>
</form>
</section>
{tables}
</main>
</body>
</html>"""


def _select(name: str, words: list[str]) -> str:
    options = "".join(f"<option>{escape(word)}</option>" for word in words)
    return f'<select name="{escape(name)}">{options}</select>'


def _table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in rows[0])
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row.values()) + "</tr>"
        for row in reversed(rows[-SHOWN:])
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
