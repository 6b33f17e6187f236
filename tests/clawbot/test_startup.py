"""A start says what it found, and refuses what cannot work with what would mend it."""

import os
import stat
import subprocess
import sys
from urllib.parse import urlsplit

import pymysql
import pytest
from django.core.management import CommandError
from django.db import connection

from clawbot import startup
from clawbot.people import cast
from tests import databases
from tests.databases import ROOT
from tests.tasks.builders import a_task


def manage(environment, *words):
    """Run `manage.py` and return its code and what it said."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def at(tmp_path):
    """The environment of a house at an address."""
    return lambda url, **more: databases.environment(url, tmp_path / "var") | more


# -- What is found -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_empty_house_is_called_new_and_one_with_work_is_counted():
    assert startup.found() == f"A new, empty house at {startup.place()}."

    cast.make_cast()
    a_task()

    assert startup.found() == f"A house with one task and four people at {startup.place()}."


def test_the_address_is_shown_without_its_password(settings):
    settings.DATABASE_URL = "postgres://clawbot:s3cr:et@db.example:5433/clawbot"

    assert startup.place() == "postgres://clawbot@db.example:5433/clawbot"


# -- What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["work", "web"])
def test_an_empty_database_is_no_place_to_work(at, tmp_path, command):
    code, said = manage(at(f"sqlite:///{tmp_path}/typo.sqlite3", PORT="18160"), command)

    assert code == 1
    assert "is empty. If it is the right one, run `./manage.py migrate`; else mend DATABASE_URL" in said
    assert "Traceback" not in said


def test_a_server_that_does_not_answer_is_named_without_its_password(at):
    code, said = manage(at("postgres://clawbot:s3cret@127.0.0.1:1/clawbot"), "work")

    assert code == 1
    assert "the database at postgres://clawbot@127.0.0.1:1/clawbot does not let us in" in said
    assert "s3cret" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "url, why",
    [
        ("postgress://clawbot@localhost/clawbot", "begins with 'postgress'"),
        ("postgres://clawbot@localhost", "names no database"),
    ],
)
def test_an_address_that_is_none_is_refused_by_its_word(at, url, why):
    code, said = manage(at(url), "work")

    assert code == 1
    assert why in said
    assert "Traceback" not in said


@pytest.mark.mariadb
@pytest.mark.parametrize("command", ["migrate", "work"])
def test_a_mariadb_in_latin1_is_refused_before_anything_is_made(at, tmp_path, command):
    try:
        with databases.throw_away("mariadb", tmp_path) as url:
            name = urlsplit(url).path.strip("/")
            _execute(url, f"ALTER DATABASE {name} CHARACTER SET latin1")

            code, said = manage(at(url), command)

            assert code == 1
            assert f"{name} is in latin1" in said
            assert f"ALTER DATABASE {name} CHARACTER SET utf8mb4" in said
    except databases.Absent as reason:
        pytest.skip(str(reason))


@pytest.mark.mariadb
def test_a_table_in_latin1_is_named_with_what_converts_it(at, tmp_path):
    try:
        with databases.throw_away("mariadb", tmp_path) as url:
            _execute(url, "CREATE TABLE old_notes (words VARCHAR(20)) CHARACTER SET latin1")

            code, said = manage(at(url), "work")

            assert code == 1
            assert "ALTER TABLE old_notes CONVERT TO CHARACTER SET utf8mb4" in said
    except databases.Absent as reason:
        pytest.skip(str(reason))


@pytest.mark.postgres
def test_a_postgresql_in_another_encoding_is_refused(at, tmp_path):
    try:
        server = databases.postgres()
        with databases.throw_away("postgres", tmp_path) as url:
            name = urlsplit(url).path.strip("/")
            databases._execute(server, f"DROP DATABASE {name}")
            databases._execute(
                server, f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
            )

            code, said = manage(at(url), "work")

            assert code == 1
            assert "is in SQL_ASCII, not in UTF8" in said
            assert "createdb -E UTF8" in said
    except databases.Absent as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("gone", ["folder", "rights", "file"])
def test_a_sqlite_file_that_cannot_be_used_says_why(tmp_path, monkeypatch, gone):
    file = tmp_path / "clawbot.sqlite3"
    if gone == "folder":
        file = tmp_path / "nowhere" / "clawbot.sqlite3"
    elif gone == "rights":
        monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    else:
        file.mkdir()

    why = "there is no folder|this user may not|it is a folder"
    with pytest.raises(CommandError, match=f"cannot be used: ({why})"):
        startup._require_file(file)


@pytest.mark.django_db
def test_a_mariadb_that_is_too_old_is_refused(monkeypatch):
    monkeypatch.setattr(connection, "mysql_is_mariadb", True, raising=False)
    monkeypatch.setattr(connection, "get_database_version", lambda: (10, 5, 4))

    with pytest.raises(CommandError, match=r"MariaDB 10\.5\.4 .* needs 10\.6"):
        startup._require_database()


# -- What is private ---------------------------------------------------------------------------------


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_a_new_house_writes_is_for_its_user_alone(at, tmp_path):
    data = tmp_path / "var"
    manage(at(f"sqlite:///{data}/clawbot.sqlite3"), "migrate", "--verbosity", "0")

    assert rights(data) == 0o700
    assert {rights(path) for path in data.iterdir() if path.is_file()} == {0o600}
    assert {rights(path) for path in data.iterdir() if path.is_dir()} == {0o700}


def test_a_start_closes_what_an_older_version_left_open_and_leaves_published_alone(settings, tmp_path):
    settings.DATA = tmp_path
    tmp_path.chmod(0o755)
    for name in ("staging", "workspace", "log", "published"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
    (tmp_path / "secret_key").write_text("x")
    (tmp_path / "secret_key").chmod(0o644)

    startup._keep_private()

    assert rights(tmp_path) == 0o711
    assert rights(tmp_path / "published") == 0o755
    assert {rights(tmp_path / name) for name in ("staging", "workspace", "log")} == {0o700}
    assert rights(tmp_path / "secret_key") == 0o600


def _execute(url, statement):
    place = urlsplit(url)
    with pymysql.connect(
        host=place.hostname, port=place.port or 3306, user=place.username, password=place.password or "",
        database=place.path.strip("/"),
    ) as session:  # fmt: skip
        session.cursor().execute(statement)


def test_sqs_without_its_client_says_what_to_install(at, tmp_path):
    code = "import sys; sys.modules['boto3'] = None; import clawbot.settings"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT,
        env=at(f"sqlite:///{tmp_path}/a.sqlite3", CLAWBOT_BROKER="sqs"),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr == "CLAWBOT_BROKER=sqs needs boto3. Install what requirements/sqs.txt names.\n"
