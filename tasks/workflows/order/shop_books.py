"""The books of the sample shop: stock, charges, labels, pickups, mails and customers in one SQLite file.

Every service is a handful of verbs over these books: `verb(db, order) -> reply`, run in one transaction
together with the Idempotency-Key that it came with. An undo that arrives before its do leaves a stone: a
do that was sent earlier is refused when it comes late. Nothing is deleted; what was undone changes its
state and stays.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Reply = dict[str, Any]

TABLES = {
    "stock": "sku TEXT PRIMARY KEY, title TEXT, cents INTEGER, level INTEGER CHECK (level >= 0)",
    "orders": "task TEXT PRIMARY KEY, number TEXT, email TEXT, cents INTEGER, state TEXT",
    "reservations": "id INTEGER PRIMARY KEY, task TEXT, sku TEXT, quantity INTEGER, state TEXT",
    "charges": "id INTEGER PRIMARY KEY, task TEXT, cents INTEGER, state TEXT",
    "labels": "id INTEGER PRIMARY KEY, task TEXT, tracking TEXT, state TEXT",
    "pickups": "id INTEGER PRIMARY KEY, task TEXT, day TEXT, state TEXT",
    "mails": "id INTEGER PRIMARY KEY, task TEXT, recipient TEXT, subject TEXT, text TEXT",
    "customers": "id INTEGER PRIMARY KEY, task TEXT, email TEXT, note TEXT",
}
_OURS = {  # how the shop keeps its promises; not part of the books
    "answers": "key TEXT PRIMARY KEY, task TEXT, type TEXT, reply TEXT",
    "undone": "task TEXT, stage TEXT, sent REAL, PRIMARY KEY (task, stage)",
}
STOCK = [
    ("PUMP-200", "Circulation pump", 18_900, 10_000),
    ("HOSE-12", "Hose, 12 m", 2_450, 10_000),
    ("FILTER-7", "Filter cartridge", 1_290, 3),
    ("VALVE-3", "Pressure valve", 3_100, 0),
]
_TOO_LATE = "SELECT 1 FROM undone WHERE task = ? AND stage = ? AND sent >= ?"
DECLINED = "tok_declined"  # the card that every payment test has


@dataclass(frozen=True)
class Order:
    """What an envelope says about an order."""

    task: str
    data: dict[str, Any]
    sent: float  # when, in seconds since 1970

    @property
    def number(self) -> str:
        """The customer's number for it; ours where the customer gave none."""
        return str(self.data.get("order_no") or self.task)[:100]

    @property
    def email(self) -> str:
        return str(self.data.get("email") or "")[:200]

    @property
    def lines(self) -> dict[str, int]:
        """How many of each article. Raises ValueError where that cannot be read."""
        found: dict[str, int] = {}
        try:
            for line in self.data["items"]:
                quantity = line["quantity"]
                if not isinstance(quantity, int) or not 0 < quantity < 1_000_000:
                    raise ValueError(f"{quantity!r} is no quantity")
                found[str(line["sku"])] = found.get(str(line["sku"]), 0) + quantity
        except (KeyError, TypeError) as error:
            raise ValueError(f"`items` must be a list of sku and quantity ({error!r})") from None
        return found


class Books:
    """The books in `folder`. Safe to use from any thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "shop.sqlite3", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        with self.transaction() as db:
            for name, columns in (TABLES | _OURS).items():
                db.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
            db.executemany("INSERT OR IGNORE INTO stock VALUES (?, ?, ?, ?)", STOCK)
            # An order of last week, so that one that comes a second time can be shown at once.
            db.execute(
                "INSERT OR IGNORE INTO orders VALUES ('WEB', 'WEB-1007', 'kim@example.com', 2450, 'taken')"
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def answer(self, kind: str, order: Order, key: str) -> Reply | None:
        """Do what an envelope of this type asks, once per key; None for a type that nobody serves."""
        verb = VERBS.get(kind)
        if verb is None:
            return None
        with self.transaction() as db:
            known = db.execute("SELECT * FROM answers WHERE key = ?", (key,)).fetchone()
            if known and (known["task"], known["type"]) != (order.task, kind):
                return _fail(f"The key {key[:80]} was used for another request.")
            if known:
                return dict(json.loads(known["reply"]))
            stage, _, undo = kind.partition(".")
            if undo:
                db.execute("INSERT OR REPLACE INTO undone VALUES (?, ?, ?)", (order.task, stage, order.sent))
            elif db.execute(_TOO_LATE, (order.task, stage, order.sent)).fetchone():
                return _fail(f"{stage} of {order.number} was undone before it came; nothing was done.")
            reply = verb(db, order)
            # Only what had an effect is remembered: asked again after "out of stock", the shop looks again.
            if reply["word"] == "done":
                entry = (key, order.task, kind, json.dumps(reply))
                db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", entry)
            return reply

    def restock(self, sku: str, more: int) -> None:
        """Put more of an article on the shelf."""
        with self.transaction() as db:
            db.execute("UPDATE stock SET level = level + ? WHERE sku = ?", (more, sku))

    def all(self) -> dict[str, list[dict[str, Any]]]:
        """Every table of the books, oldest first."""
        with self.transaction() as db:
            return {
                name: [dict(row) for row in db.execute(f"SELECT * FROM {name} ORDER BY 1")] for name in TABLES
            }


# -- Verbs -------------------------------------------------------------------------------------------


def take_order(db: sqlite3.Connection, order: Order) -> Reply:
    """Price the order; recognise one that is already here under another task."""
    try:
        lines = order.lines
    except ValueError as error:
        return _fail(f"The order cannot be read: {error}.")
    cents = 0
    for sku, quantity in lines.items():
        article = db.execute("SELECT cents FROM stock WHERE sku = ?", (sku,)).fetchone()
        if article is None:
            return _fail(f"There is no article {sku[:80]}.")
        cents += article["cents"] * quantity
    if not cents:
        return _fail("The order has no items.")
    query = "SELECT task FROM orders WHERE number = ? AND task <> ? AND state = 'taken'"
    twin = db.execute(query, (order.number, order.task)).fetchone()
    state = "duplicate" if twin else "taken"
    entry = (order.task, order.number, order.email, cents, state)
    db.execute("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)", entry)
    fields = {"duplicate": bool(twin), "order_no": order.number, "total_cents": cents}
    if twin:
        return _done(f"{order.number} is already here as {twin['task']}.", **fields, first=twin["task"])
    return _done(f"Took {order.number}: {cents / 100:,.2f} euros.", **fields)


def withdraw_order(db: sqlite3.Connection, order: Order) -> Reply:
    """Cancel the order and tell the customer, who hears nothing where it was a duplicate."""
    row = db.execute("SELECT state FROM orders WHERE task = ?", (order.task,)).fetchone()
    if row and row["state"] != "taken":
        return _done("There was nothing to withdraw.")
    entry = (order.task, order.number, order.email)
    db.execute(
        "INSERT OR IGNORE INTO orders VALUES (?, ?, ?, 0, 'taken')", entry
    )  # it may never have come in
    db.execute("UPDATE orders SET state = 'withdrawn' WHERE task = ?", (order.task,))
    why = str(order.data.get("why") or "It was cancelled.")[:1_000]
    text = f"We cancelled your order {order.number}. Nothing was charged, or you have it back.\n\n{why}"
    _mail(db, order, f"Your order {order.number} is cancelled", text)
    _customer(db, order, "order cancelled")
    return _done(f"Withdrew {order.number} and told {order.email}.")


def reserve(db: sqlite3.Connection, order: Order) -> Reply:
    """Take everything off the shelf for this order, or nothing."""
    short = []
    for sku, quantity in order.lines.items():
        level = db.execute("SELECT level FROM stock WHERE sku = ?", (sku,)).fetchone()["level"]
        if level == 0:
            return _fail(f"{sku} is out of stock.")
        if level < quantity:
            short.append(f"{sku}: {quantity} wanted, {level} there")
    if short:
        what = "Restock and retry, or cancel the order (the customer is told)?"
        return {"word": "escalate", "question": f"Not enough is in stock ({'; '.join(short)}). {what}"}
    for sku, quantity in order.lines.items():
        db.execute("UPDATE stock SET level = level - ? WHERE sku = ?", (quantity, sku))
        entry = (order.task, sku, quantity)
        db.execute("INSERT INTO reservations VALUES (NULL, ?, ?, ?, 'held')", entry)
    count = sum(order.lines.values())
    return _done(f"Reserved {_articles(count)}.", reserved=count)


def release(db: sqlite3.Connection, order: Order) -> Reply:
    """Put back on the shelf what is held for this order."""
    query = "SELECT * FROM reservations WHERE task = ? AND state = 'held'"
    held = db.execute(query, (order.task,)).fetchall()
    for row in held:
        db.execute("UPDATE stock SET level = level + ? WHERE sku = ?", (row["quantity"], row["sku"]))
        db.execute("UPDATE reservations SET state = 'released' WHERE id = ?", (row["id"],))
    count = sum(row["quantity"] for row in held)
    return _done(f"Released {_articles(count)}." if count else "Nothing was reserved.")


def authorise(db: sqlite3.Connection, order: Order) -> Reply:
    """Set the money aside on the customer's card."""
    if order.data.get("card") == DECLINED:
        return _fail("The card was declined.")
    cents = int(order.data["total_cents"])
    added = db.execute("INSERT INTO charges VALUES (NULL, ?, ?, 'authorised')", (order.task, cents))
    return _done(f"Authorised {cents / 100:,.2f} euros.", charge=added.lastrowid)


def capture(db: sqlite3.Connection, order: Order) -> Reply:
    """Take the money that was set aside; once taken, it is not taken again."""
    query = "SELECT * FROM charges WHERE task = ? AND state IN ('authorised', 'captured') ORDER BY state, id"
    charge = db.execute(query, (order.task,)).fetchone()
    if charge is None:
        return _fail(f"Nothing is authorised for {order.number}.")
    db.execute("UPDATE charges SET state = 'captured' WHERE id = ?", (charge["id"],))
    return _done(f"Captured {charge['cents'] / 100:,.2f} euros.", charge=charge["id"])


def give_back(db: sqlite3.Connection, order: Order) -> Reply:
    """Void what was set aside, refund what was taken."""
    given = 0
    for before, after in (("authorised", "voided"), ("captured", "refunded")):
        query = "UPDATE charges SET state = ? WHERE task = ? AND state = ?"
        given += db.execute(query, (after, order.task, before)).rowcount
    return _done("Gave the money back." if given else "No money was taken.")


def make_label(db: sqlite3.Connection, order: Order) -> Reply:
    """A label with a tracking number."""
    number = db.execute("SELECT COUNT(*) + 1 FROM labels").fetchone()[0]
    tracking = f"SHOP{number:08d}"
    db.execute("INSERT INTO labels VALUES (NULL, ?, ?, 'made')", (order.task, tracking))
    return _done(f"Made the label {tracking}.", tracking=tracking)


def void_label(db: sqlite3.Connection, order: Order) -> Reply:
    """The label must not be used any more."""
    db.execute("UPDATE labels SET state = 'void' WHERE task = ?", (order.task,))
    return _done("No label of this order is valid.")


def schedule_pickup(db: sqlite3.Connection, order: Order) -> Reply:
    """The carrier comes on the next day; what was reserved is handed over."""
    day = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    db.execute("INSERT INTO pickups VALUES (NULL, ?, ?, 'scheduled')", (order.task, day))
    query = "UPDATE reservations SET state = 'handed over' WHERE task = ? AND state = 'held'"
    db.execute(query, (order.task,))
    return _done(f"The carrier comes on {day}.", day=day)


def cancel_pickup(db: sqlite3.Connection, order: Order) -> Reply:
    """The carrier does not come; the goods are ours again."""
    db.execute("UPDATE pickups SET state = 'cancelled' WHERE task = ?", (order.task,))
    query = "UPDATE reservations SET state = 'held' WHERE task = ? AND state = 'handed over'"
    db.execute(query, (order.task,))
    return _done("No pickup is scheduled.")


def mail_customer(db: sqlite3.Connection, order: Order) -> Reply:
    """Tell the customer that the order is on its way."""
    tracking, day = (str(order.data.get(name) or "")[:40] for name in ("tracking", "day"))
    text = f"Your order {order.number} leaves us on {day}. You can follow it as {tracking}."
    _mail(db, order, f"Your order {order.number} is on its way", text)
    return _done(f"Mailed {order.email}.")


def note_customer(db: sqlite3.Connection, order: Order) -> Reply:
    """Bring the customer's record up to date."""
    _customer(db, order, "order on its way")
    return _done(f"Updated the record of {order.email}.")


def note_duplicate(db: sqlite3.Connection, order: Order) -> Reply:
    """Note in the customer's record that an order came twice; the customer hears nothing."""
    _customer(db, order, f"{order.number} came a second time")
    return _done(f"Noted that {order.number} came a second time.")


VERBS: dict[str, Callable[[sqlite3.Connection, Order], Reply]] = {
    "order": take_order, "order.undo": withdraw_order,
    "inventory": reserve, "inventory.undo": release,
    "payment": authorise, "payment.undo": give_back, "capture": capture,
    "label": make_label, "label.undo": void_label, "pickup": schedule_pickup, "pickup.undo": cancel_pickup,
    "mail": mail_customer, "crm": note_customer, "duplicate": note_duplicate,
}  # fmt: skip
SERVICES = {  # which address serves which types
    "order": ("order",), "inventory": ("inventory",), "payment": ("payment", "capture"),
    "shipping": ("label", "pickup"), "notification": ("mail", "crm", "duplicate"),
}  # fmt: skip


def _mail(db: sqlite3.Connection, order: Order, subject: str, text: str) -> None:
    db.execute("INSERT INTO mails VALUES (NULL, ?, ?, ?, ?)", (order.task, order.email, subject, text))


def _customer(db: sqlite3.Connection, order: Order, note: str) -> None:
    db.execute("INSERT INTO customers VALUES (NULL, ?, ?, ?)", (order.task, order.email, note))


def _articles(count: int) -> str:
    return f"{count:,} article{'' if count == 1 else 's'}"


def _done(summary: str, **fields: Any) -> Reply:
    return {"word": "done", "summary": summary, "fields": fields}


def _fail(why: str) -> Reply:
    return {"word": "fail", "why": why}
