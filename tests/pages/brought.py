"""What a page expects of its reader beside the clone: files of theirs, a mail server, a broker, a database.

Each stands in for a name on the page that only its author has; the command around it stays as it is.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import brokers, databases
from tests.agents.server import serving
from tests.house.files import ROOT
from tests.pages.reader import LONGEST, Failed, Reader
from tests.tasks.border.intake.post import a_mail, an_imap_server

MESSAGES = ROOT / "tasks/workflows/inbox_digest/samples/default/sources"
FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Harbour news</title><item>
<title>The week in the harbour was quiet</title><link>https://harbour.example/1</link><description>In the week
the harbour counted 212 ships. Most of them carried grain. The crane was repaired on Tuesday. Nobody waited
longer than a day.</description></item></channel></rss>"""
REPORT = """# The autumn trial

In the autumn trial two people counted every shelf twice. The second count found 34 errors in 1,200 shelves.
It took 18 minutes a shelf row. The warehouse saved 2,300 euros in October.
"""
JUDGED = """
from tasks import artifacts
from tasks.models import Finding, Task
task = Task.objects.get(key='ART-1')
run = task.runs.filter(agent='reviewer').first()
for number in range(40):
    Finding.objects.create(task=task, artifact=artifacts.latest(task, 'draft'), run=run, number=1000 + number,
                           kind='banned_word', severity='minor', text='-', state='agreed')
"""


def mails(reader: Reader, stack: ExitStack) -> None:
    """A mail server with a mail in it, and its password in a file."""
    server = stack.enter_context(an_imap_server(reader.home / "imap"))
    server.put(1, a_mail())
    (Path(reader.environment["HOME"]) / ".imap").write_text("open sesame")
    reader.instead["imaps://support%40example.org@mail.example.org/INBOX"] = server.url


def a_broker(reader: Reader, stack: ExitStack) -> None:
    """The RabbitMQ of this machine, and queues that nobody else uses."""
    try:
        one = stack.enter_context(brokers.broker("rabbitmq", reader.home))
    except brokers.Absent as reason:
        pytest.skip(str(reason))
    reader.instead["amqp://user:password@rabbit.example//"] = one.url
    for queue in ("orders", "answers"):
        reader.instead[f" {queue} "] = f" {one.queue(queue)} "


def a_changed_workflow(reader: Reader, stack: ExitStack) -> None:
    """The page says: edit it."""
    file = reader.clone / "tasks/workflows/article/workflow.yaml"
    reader.saves(
        "tasks/workflows/article/workflow.yaml", file.read_text("utf-8").replace("after: 4h", "after: 6h")
    )


def sources(reader: Reader, stack: ExitStack) -> None:
    """The files that the brief names."""
    reader.saves("sources/trial-report.md", REPORT)
    reader.saves("sources/interview.txt", "Ida Holm says that the second count pays for itself.")


def a_mailbox(reader: Reader, stack: ExitStack) -> None:
    """Mails and notes."""
    box = (MESSAGES / "inbox-2026-02-17.mbox").read_text("utf-8")
    for name in ("mail/wednesday.mbox", "mail/today.mbox"):
        reader.saves(name, box)
    reader.saves("notes/call.txt", "The landlord called. Please send him the key by Friday.")


def contracts(reader: Reader, stack: ExitStack) -> None:
    """A folder of documents."""
    for number in range(3):
        reader.saves(
            f"contracts/{number}.txt", f"Contract {number} ends on 30 June 2026. Its notice is three months."
        )


def a_feed(reader: Reader, stack: ExitStack) -> None:
    """A feed on this machine, where agents may read it."""
    server = stack.enter_context(
        serving(lambda path, body: (200, {"Content-Type": "application/rss+xml"}, FEED))
    )
    reader.environment |= server.allow
    reader.instead["https://harbour.example/news.xml"] = server.url("/feed.xml")


def a_record(reader: Reader, stack: ExitStack) -> None:
    """Forty remarks that people agreed with."""
    reader.types(f'./manage.py shell -v 0 -c "{JUDGED}"')


def a_shop(reader: Reader, stack: ExitStack) -> None:
    """A free port for the shop."""
    reader.instead["8011"] = str(brokers.free_port())


def databases_of_both_kinds(reader: Reader, stack: ExitStack) -> None:
    """The rights to make a database on this machine's servers, and names that nobody else uses."""
    for program in ("psql", "createdb", "mysql"):
        if not shutil.which(program):
            pytest.skip(f"No {program} on this machine. Install PostgreSQL's and MariaDB's command line.")
    try:
        postgres, mariadb = urlsplit(databases.postgres()), urlsplit(databases.mariadb())
    except databases.Absent as reason:
        pytest.skip(str(reason))
    if not postgres.hostname:
        pytest.skip("The embedded PostgreSQL listens at no port. Start a server, or set TEST_POSTGRES_URL.")
    name = f"clawbot_page_{uuid.uuid4().hex[:8]}"
    reader.environment |= {
        "PGHOST": postgres.hostname, "PGPORT": str(postgres.port or 5432), "PGUSER": postgres.username or "",
        "PGPASSWORD": postgres.password or "",
    }  # fmt: skip
    (Path(reader.environment["HOME"]) / ".my.cnf").write_text(
        f"[client]\nhost={mariadb.hostname}\nport={mariadb.port or 3306}\nuser={mariadb.username}\n"
        f"password={mariadb.password or ''}\n"
    )
    reader.instead |= {
        "postgres://clawbot:secret@localhost/clawbot":
            f"postgres://{name}:secret@{postgres.hostname}:{postgres.port or 5432}/{name}",
        "mysql://clawbot:secret@127.0.0.1/clawbot":
            f"mysql://{name}:secret@{mariadb.hostname}:{mariadb.port or 3306}/{name}",
        "ROLE clawbot": f"ROLE {name}", "--owner clawbot clawbot": f"--owner {name} {name}",
        "DATABASE clawbot": f"DATABASE {name}", "USER clawbot": f"USER {name}",
        "clawbot.* TO clawbot": f"{name}.* TO {name}",
    }  # fmt: skip
    for url, statement in (
        (postgres, f"DROP ROLE IF EXISTS {name}"), (postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        (mariadb, f"DROP USER IF EXISTS {name}"), (mariadb, f"DROP DATABASE IF EXISTS {name}"),
    ):  # fmt: skip
        stack.callback(databases._execute, url.geturl(), statement)  # last in, first out
    stack.callback(_ended, reader)


def _ended(reader: Reader) -> None:
    with suppress(Failed):
        reader.leaves()


def an_article_came(reader: Reader) -> None:
    """What the schedule started comes to a person, with a draft."""
    over = time.monotonic() + LONGEST
    while "Review " not in (said := reader.types("./manage.py status ART-2")):
        assert time.monotonic() < over, said
        time.sleep(0.5)
    assert "draft 1" in said, said


def nothing_yet(reader: Reader, stack: ExitStack) -> None:
    """A house in which nobody was ever: the page is about a first start."""
    shutil.rmtree(reader.clone / "var")


BROUGHT: dict[str, Callable[[Reader, ExitStack], None]] = {
    "docs/howto/answer_customers.md": mails,
    "docs/howto/change_a_workflow.md": a_changed_workflow,
    "docs/howto/connect_a_queue.md": a_broker,
    "docs/howto/first_article.md": sources,
    "docs/howto/first_workflow.md": a_mailbox,
    "docs/howto/run_in_production.md": nothing_yet,
    "docs/howto/run_on_a_schedule.md": a_feed,
    "docs/howto/run_on_postgres.md": databases_of_both_kinds,
    "docs/howto/trust_an_agent.md": a_record,
    "tasks/workflows/documents/README.md": contracts,
    "tasks/workflows/inbox_digest/README.md": a_mailbox,
    "tasks/workflows/order/README.md": a_shop,
}
AFTER: dict[str, Callable[[Reader], None]] = {"docs/howto/run_on_a_schedule.md": an_article_came}
