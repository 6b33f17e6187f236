"""The sample desk: somebody else's billing, ticket desk and CRM, to try support against. Not part of Clawbot.

    python tasks/workflows/support/desk.py --port 8012 --data var/desk

`POST /account`, `/refund`, `/ticket` and `/lead` take an envelope and reply with an Outcome; the same
Idempotency-Key is one effect. `GET /books` shows all it knows, `GET /health` that it is up. It listens on
this machine only. Money is kept in cents; what may be paid back is what was paid, less what is owed and what
was paid back before, whatever anybody writes.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
MOST_BYTES = 1_000_000
TABLES = ("customers", "invoices", "payments", "refunds", "tickets", "leads")
SCHEMA = """
create table customers (id text primary key, name text, address text unique, plan text);
create table invoices (number text primary key, customer text, issued_on text, cents integer, what text,
                       state text);
create table payments (id integer primary key, invoice text, cents integer, paid_on text);
create table refunds (id integer primary key, invoice text, cents integer, paid_on text, task text);
create table tickets (number integer primary key, address text, subject text, urgency text, known text,
                      missing text, task text);
create table leads (number integer primary key, address text, name text, grade text, score integer,
                    known text, owner text, task text);
create table replies (key text primary key, reply text);
"""
CUSTOMERS = [
    ("C-101", "Dana Whitfield", "dana@northlight.example", "Team, 4 users"),
    ("C-102", "Ruben Castellan", "ruben@harbourpress.example", "Team, 12 users"),
    ("C-103", "Mei Tanaka", "mei@tanakastudio.example", "Solo"),
    ("C-104", "Oskar Lindgren", "oskar@fjordlab.example", "Business, 40 users"),
]
INVOICES = [
    ("KV-20398", "C-101", "2026-10-01", 3600, "Korvel Team, 4 users, October", "paid"),
    ("KV-20417", "C-101", "2026-11-01", 3600, "Korvel Team, 4 users, November", "paid"),
    ("KV-20418", "C-102", "2026-11-01", 10800, "Korvel Team, 12 users, November", "paid"),
    ("KV-20431", "C-103", "2026-11-09", 600, "Korvel Solo, November", "cancelled"),
    ("KV-20433", "C-104", "2026-11-01", 56000, "Korvel Business, 40 users, November", "paid"),
]
PAYMENTS = [  # Dana and Ruben were charged twice; Mei cancelled within 14 days
    ("KV-20398", 3600, "2026-10-01"), ("KV-20417", 3600, "2026-11-01"), ("KV-20417", 3600, "2026-11-02"),
    ("KV-20418", 10800, "2026-11-01"), ("KV-20418", 10800, "2026-11-01"), ("KV-20431", 600, "2026-11-09"),
    ("KV-20433", 56000, "2026-11-01"),
]  # fmt: skip
SALES = {"hot": ("Mira Vance", "She calls or writes within one working day.")}
OTHER_SALES = ("Jonas Reuter", "He writes within three working days.")
NEXT = {"high": "A colleague looks at it within four working hours."}


class Books:
    """All that the desk knows, in one SQLite file. Every request is one transaction."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "desk.sqlite3"
        self._lock = threading.Lock()
        with self._lock, closing(self._open()) as books:
            if not books.execute("select 1 from sqlite_master where name = 'replies'").fetchone():
                books.executescript(SCHEMA)
                books.executemany("insert into customers values (?, ?, ?, ?)", CUSTOMERS)
                books.executemany("insert into invoices values (?, ?, ?, ?, ?, ?)", INVOICES)
                books.executemany("insert into payments (invoice, cents, paid_on) values (?, ?, ?)", PAYMENTS)
                books.commit()

    def _open(self) -> sqlite3.Connection:
        books = sqlite3.connect(self._file, timeout=10)
        books.row_factory = sqlite3.Row
        return books

    def all(self) -> dict[str, list[dict[str, Any]]]:
        """Every table, for whoever checks what happened."""
        with self._lock, closing(self._open()) as books:
            return {name: [dict(row) for row in books.execute(f"select * from {name}")] for name in TABLES}

    def answer(self, path: str, data: dict[str, Any], key: str, task: str) -> dict[str, Any]:
        """Do what is asked once per key, and say again what was said when the key comes again."""
        with self._lock, closing(self._open()) as books, books:
            books.execute("begin immediate")
            if known := books.execute("select reply from replies where key = ?", (key,)).fetchone():
                return dict(json.loads(known["reply"]))
            reply = SERVICES[path](books, data, task)
            books.execute("insert into replies values (?, ?)", (key, json.dumps(reply)))
            return reply


# -- The services: the books, what was asked, the task's key -> an Outcome ---------------------------------


def account(books: sqlite3.Connection, data: dict[str, Any], task: str) -> dict[str, Any]:
    """Who writes from this address, and how the invoice stands: the named one, else the one that has money to
    pay back, else the newest."""
    address, asked = _text(data, "address").lower(), _text(data, "invoice").upper()
    wanted = bool(_text(data, "wanted"))
    fields: dict[str, Any]
    who = books.execute("select * from customers where address = ?", (address,)).fetchone()
    if who is None:
        fields = {"known": False, "refundable": 0.0, "wanted": wanted}
        return _done("No customer has this address.", fields, _made(fields))
    invoices = books.execute(
        "select * from invoices where customer = ? order by issued_on desc, number desc", (who["id"],)
    ).fetchall()
    due = {row["number"]: _due(books, row) for row in invoices}
    fields = {
        "known": True, "customer": who["id"], "customer_name": who["name"], "plan": who["plan"],
        "wanted": wanted, "currency": "EUR", "refundable": 0.0, "refunded_before": False,
    }  # fmt: skip
    chosen = next((row for row in invoices if row["number"] == asked), None) if asked else None
    if asked and chosen is None:
        fields |= {"found": False, "asked_for": asked}
        return _done(f"{who['name']} has no invoice {asked}.", fields, _made(fields))
    chosen = chosen or next((row for row in invoices if due[row["number"]]), invoices[0])
    fields |= {
        "found": True, "named": bool(asked), "invoice": chosen["number"], "issued_on": chosen["issued_on"],
        "what": chosen["what"],
        "amount": chosen["cents"] / 100, "state": chosen["state"], "refundable": due[chosen["number"]] / 100,
        "reason": _reason(chosen),
    }  # fmt: skip
    back = books.execute(
        "select sum(cents) as cents, max(paid_on) as paid_on from refunds where invoice = ?",
        (chosen["number"],),
    ).fetchone()
    if back["cents"]:
        fields |= {"refunded_before": True, "refunded": back["cents"] / 100, "refunded_on": back["paid_on"]}
    fields["refused"] = wanted and not fields["refundable"] and not fields["refunded_before"]
    payments = books.execute("select * from payments where invoice = ?", (chosen["number"],)).fetchall()
    paid = [f"{row['cents'] / 100:.2f} EUR on {row['paid_on']}" for row in payments]
    told = f"{who['name']}, invoice {chosen['number']}: {fields['refundable']:.2f} EUR may be paid back."
    return _done(told, fields, _made(fields, paid))


def refund(books: sqlite3.Connection, data: dict[str, Any], task: str) -> dict[str, Any]:
    """Pay back what is due for an invoice of this customer, and never more than was allowed."""
    number, customer = _text(data, "invoice"), _text(data, "customer")
    row = books.execute(
        "select * from invoices where number = ? and customer = ?", (number, customer)
    ).fetchone()
    due = _due(books, row) if row else 0
    cents = min(due, round(float(data.get("amount") or 0) * 100))
    if row is None or cents <= 0:
        reason = "nothing of it is due" if row else "the customer has no such invoice"
        return _done(
            f"Nothing was paid back: {reason}.", {"state": "nothing_due", "invoice": number, "reason": reason}
        )
    today = datetime.now(UTC).date().isoformat()
    books.execute(
        "insert into refunds (invoice, cents, paid_on, task) values (?, ?, ?, ?)",
        (number, cents, today, task),
    )
    fields = {
        "state": "refunded", "invoice": number, "amount": cents / 100, "currency": "EUR",
        "reason": _reason(row),
        "arrival": "It goes back to the account that paid; banks take up to five working days to show it.",
    }  # fmt: skip
    return _done(f"Paid back {cents / 100:.2f} EUR for {number}.", fields)


def ticket(books: sqlite3.Connection, data: dict[str, Any], task: str) -> dict[str, Any]:
    """Open a ticket."""
    known = {name: _text(data, name) for name in ("system", "version", "error", "since") if _text(data, name)}
    missing = data.get("missing") if isinstance(data.get("missing"), list) else []
    urgency = _text(data, "urgency") or "normal"
    number = books.execute(
        "insert into tickets (address, subject, urgency, known, missing, task) values (?, ?, ?, ?, ?, ?)",
        (
            _text(data, "address"),
            _text(data, "subject"),
            urgency,
            json.dumps(known),
            json.dumps(missing),
            task,
        ),
    ).lastrowid
    then = NEXT.get(urgency, "A colleague looks at it within one working day.")
    return _done(f"Opened ticket T-{number}.", {"ticket": f"T-{number}", "urgency": urgency, "next": then})


def lead(books: sqlite3.Connection, data: dict[str, Any], task: str) -> dict[str, Any]:
    """Keep a lead and give it an owner."""
    known = {name: _text(data, name) for name in ("budget", "size", "need", "time") if _text(data, name)}
    grade = _text(data, "grade")
    owner, then = SALES.get(grade, OTHER_SALES)
    number = books.execute(
        "insert into leads (address, name, grade, score, known, owner, task) values (?, ?, ?, ?, ?, ?, ?)",
        (
            _text(data, "address"), _text(data, "name"), grade, int(data.get("score") or 0),
            json.dumps(known), owner, task,
        ),
    ).lastrowid  # fmt: skip
    return _done(f"Kept lead L-{number} for {owner}.", {"lead": f"L-{number}", "owner": owner, "next": then})


SERVICES: dict[str, Callable[[sqlite3.Connection, dict[str, Any], str], dict[str, Any]]] = {
    "account": account, "refund": refund, "ticket": ticket, "lead": lead,
}  # fmt: skip


def _due(books: sqlite3.Connection, row: sqlite3.Row) -> int:
    """Cents that may be paid back: paid, less owed, less paid back before. Who cancelled owes nothing."""
    total = "select coalesce(sum(cents), 0) from {} where invoice = ?"
    paid, back = (
        books.execute(total.format(name), (row["number"],)).fetchone()[0] for name in ("payments", "refunds")
    )
    return max(0, int(paid) - int(back) - (0 if row["state"] == "cancelled" else int(row["cents"])))


def _reason(row: sqlite3.Row) -> str:
    return "cancelled within 14 days" if row["state"] == "cancelled" else "it was charged twice"


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value.strip()[:20_000] if isinstance(value, str) else ""


def _done(summary: str, fields: dict[str, Any], *made: dict[str, Any]) -> dict[str, Any]:
    return {"word": "done", "summary": summary, "fields": fields, "made": list(made)}


def _made(fields: dict[str, Any], paid: list[str] | None = None) -> dict[str, Any]:
    """What a person reads before they allow a refund."""
    who = fields.get("customer_name", "nobody we know")
    lines = [f"# {fields['refundable']:.2f} EUR may be paid back to {who}", ""]
    if fields["known"]:
        lines.append(f"- Customer: {who} ({fields['customer']}), {fields['plan']}")
    if fields.get("found"):
        lines.append(
            f"- Invoice: {fields['invoice']} of {fields['issued_on']}, {fields['what']}, {fields['state']}"
        )
        lines.append(f"- Owed: {fields['amount']:.2f} EUR")
        lines.append(f"- Paid: {'; '.join(paid or []) or 'nothing'}")
        lines.append(f"- Paid back before: {fields.get('refunded', 0.0):.2f} EUR")
        lines += [f"- Reason: {fields['reason']}"] if fields["refundable"] else []
    elif fields["known"]:
        lines.append(f"- Invoice: the customer has none with the number {fields['asked_for']}")
    return {"kind": "account", "text": "\n".join(lines) + "\n"}


# -- The counter -------------------------------------------------------------------------------------------


class Desk(ThreadingHTTPServer):
    """The desk at a port, with its books."""

    daemon_threads = True
    request_queue_size = 128  # a hundred agents may ask in the same moment

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__((HOST, port), Counter)
        self.books = Books(folder)


class Counter(BaseHTTPRequestHandler):
    """Where requests arrive."""

    server: Desk
    timeout = 30  # a client that connects and says nothing

    def log_message(self, *arguments: object) -> None:
        """Every request is in the books already."""

    def do_GET(self) -> None:
        """The books and the sign of life."""
        if self.path == "/health":
            self._json(200, {"ok": True})
        elif self.path in ("/", "/books"):
            self._json(200, self.server.books.all())
        else:
            self._json(404, {"why": f"There is nothing at {self.path[:100]}."})

    def do_POST(self) -> None:
        """The services."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self._json(413, {"why": f"Send a Content-Length of at most {MOST_BYTES} bytes."})
            return
        path, key = self.path.strip("/"), self.headers.get("Idempotency-Key", "")
        try:
            envelope = json.loads(self.rfile.read(int(length)))
            data, task = dict(envelope["data"]), str(envelope["correlation_id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            self._json(400, {"why": "Send an envelope: from, to, type, data, correlation_id, timestamp."})
            return
        if path not in SERVICES or not key:
            self._json(400, {"why": f"Nobody serves {path[:60]!r} here, or there is no Idempotency-Key."})
            return
        try:
            self._json(200, self.server.books.answer(path, data, f"{path}:{key}"[:300], task))
        except (ValueError, TypeError) as error:
            self._json(400, {"why": f"The data of {path} cannot be read ({error})."})

    def _json(self, status: int, value: Any) -> None:
        body = json.dumps(value, indent=1).encode()
        with suppress(ConnectionError):  # nobody waits for it any more
            self.send_response(status)
            for name, text in (
                ("Content-Type", "application/json"), ("Content-Length", str(len(body))),
                ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"),
            ):  # fmt: skip
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="The sample desk of the support workflow.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder of its books")
    given = parser.parse_args()
    with Desk(given.port, given.data) as desk, suppress(KeyboardInterrupt):
        desk.serve_forever(0.1)


if __name__ == "__main__":
    main()
