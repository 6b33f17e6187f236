"""Every setting of Clawbot, from the environment (`.env` is read). `docs/settings.md` explains each.

With no variable set everything runs from one folder, `var/`, with SQLite and no other server.
"""

from __future__ import annotations

import ipaddress
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from agents import environment, masking
from tasks.folder import KeptKey

ROOT = Path(__file__).resolve().parent.parent
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
if (ROOT / ".env").exists():
    environ.Env.read_env(ROOT / ".env")


#: every name that was asked for; `checks.unread` finds those that nobody asks for
ASKED: set[str] = set()


def env(name: str, default: str = "") -> str:
    """A word from the environment; `NAME_FILE` names a file that holds it (for secrets)."""
    ASKED.add(name)
    try:
        return environment.value(name, os.environ, default)
    except environment.UnreadableFile as error:
        raise SystemExit(str(error)) from None


def env_bool(name: str, default: bool = False) -> bool:
    """1/true/yes or 0/false/no; anything else is refused by name."""
    word = env(name, "1" if default else "0").strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise SystemExit(f"{name}={word!r} is not a yes or a no. Use 1 or 0.")


def env_int(name: str, default: int, least: int = 0) -> int:
    """A whole number of at least `least`; anything else is refused by name."""
    word = env(name, str(default))
    if not word.isdecimal() or int(word) < least:
        raise SystemExit(f"{name}={word!r} is not a whole number of {least} or more.")
    return int(word)


def env_list(name: str, default: str = "") -> list[str]:
    """Words separated by commas."""
    return [word.strip() for word in env(name, default).split(",") if word.strip()]


def env_networks(name: str) -> list[Network]:
    """Addresses and networks separated by commas; 1 means this machine. Anything else is refused by name."""
    words = ["127.0.0.0/8", "::1"] if env(name) == "1" else [one for one in env_list(name) if one != "0"]
    try:
        return [ipaddress.ip_network(word) for word in words]
    except ValueError as error:
        raise SystemExit(
            f"{name}={env(name)!r} cannot be used: {error}. Name the proxies by address or network, as "
            "10.0.0.5,10.1.0.0/16; 1 means a proxy on this machine."
        ) from None


# -- Site ------------------------------------------------------------------------------------------

# What we write is for the user we run as: database, drafts, logs and secrets. A published file gets the
# rights of the folder it goes into (tasks/output.py).
os.umask(0o077)
DATA = Path(env("CLAWBOT_DATA", str(ROOT / "var"))).resolve()

DEBUG = env_bool("DEBUG")
HOST = env("HOST", "localhost")
PORT = env_int("PORT", 8000, least=1)
BASE_URL = env("CLAWBOT_BASE_URL", f"http://localhost:{PORT}").rstrip("/")
if not BASE_URL.startswith(("http://", "https://")):
    raise SystemExit(f"CLAWBOT_BASE_URL={BASE_URL!r} cannot be used: it begins with http:// or https://.")
BASE_ORIGIN = "{0.scheme}://{0.netloc}".format(urlsplit(BASE_URL))


# A key that is not given is made when it is first used: reading the settings writes nothing.
SECRET_KEY = env("SECRET_KEY") or KeptKey(DATA, "secret_key")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
# The address people use is ours, whatever a proxy makes of it on the way.
CSRF_TRUSTED_ORIGINS = [BASE_ORIGIN, *env_list("CSRF_TRUSTED_ORIGINS")]
CSRF_FAILURE_VIEW = "clawbot.rejected.form"
HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# The __Host- prefix binds a cookie to this very host; browsers honour it only over https.
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "clawbot-session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "clawbot-csrf"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Browsers that came by https once do not come by http again for so long.
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 31536000) if HTTPS else 0
TRUSTED_PROXIES = env_networks("TRUST_PROXY")  # read by clawbot/forwarded.py

INSTALLED_APPS = [
    "clawbot",  # before staticfiles: its `runserver` is the one with sockets
    "clawbot.people",
    "clawbot.api",
    "clawbot.dashboard",
    "agents",
    "tasks",
    "django.contrib.admin.apps.SimpleAdminConfig",  # finds no tables by itself: clawbot/admin names them
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "tasks.apps.QueueTables",
    "csp",
]

MIDDLEWARE = [
    "clawbot.probes.probes",  # before all that could refuse or redirect a probe
    "clawbot.rejected.unstorable",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads each page at random, against guessing by its size
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "clawbot.dashboard.middleware.frame",
]

ROOT_URLCONF = "clawbot.urls"
ASGI_APPLICATION = "clawbot.asgi.application"
AUTH_USER_MODEL = "people.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clawbot.dashboard.frame.context",
            ],
            "builtins": ["clawbot.templatetags.clawbot", "clawbot.templatetags.allowed"],
        },
    }
]

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"  # stored; shown in each person's zone
SITE_ZONE = env("CLAWBOT_ZONE", "Europe/Berlin")

STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

_SELF = ["'self'"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": _SELF,
        "script-src": _SELF,
        "style-src": _SELF,
        "img-src": [*_SELF, "data:"],
        "connect-src": _SELF,
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": _SELF,
        "frame-ancestors": ["'none'"],
    }
}

# -- Database --------------------------------------------------------------------------------------

DATABASE_URL = env("DATABASE_URL", f"sqlite:///{DATA / 'clawbot.sqlite3'}")


def connection(url: str) -> dict[str, Any]:
    """A database by its address, with the options without which it would not keep its promises."""
    scheme = urlsplit(url).scheme
    if scheme not in {"sqlite", "postgres", "postgresql", "mysql"}:
        raise SystemExit(
            f"DATABASE_URL begins with {scheme!r}, which is no database that Clawbot runs on. Use "
            "postgres://user:password@host/name, mysql://user:password@host/name or sqlite:////folder/file."
        )
    database: dict[str, Any] = environ.Env.db_url_config(url)
    if not database["NAME"]:
        raise SystemExit("DATABASE_URL names no database: its address ends with one, as in ...@host/clawbot.")
    engine = database["ENGINE"].rsplit(".", 1)[-1]
    if engine == "sqlite3":
        # IMMEDIATE: without it a read-then-write fails at once with "database is locked".
        # FULL: what was acknowledged survives power loss.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=30000;",
        }
    elif engine == "mysql":
        import pymysql

        # Django asks for mysqlclient by its version; PyMySQL speaks the same protocol.
        pymysql.version_info = (2, 2, 8, "final", 0)
        pymysql.install_as_MySQLdb()
        database.setdefault("OPTIONS", {}).update({"charset": "utf8mb4", "isolation_level": "read committed"})
        database["TEST"] = {"CHARSET": "utf8mb4"}
    database["CONN_HEALTH_CHECKS"] = engine != "sqlite3"
    database["CONN_MAX_AGE"] = 0 if engine == "sqlite3" else 60
    return database


DATABASES = {"default": connection(DATABASE_URL)}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# -- Work ------------------------------------------------------------------------------------------

WORKERS = env_int("CLAWBOT_WORKERS", 1 if "sqlite" in DATABASES["default"]["ENGINE"] else 2, least=1)
CONCURRENCY = env_int("CLAWBOT_CONCURRENCY", 100, least=1)
LEASE_SECONDS = env_int("CLAWBOT_LEASE_SECONDS", 30, least=1)
HEARTBEAT_SECONDS = LEASE_SECONDS / 3
POISON_CRASHES = 3
CANARY_SECONDS = env_int("CLAWBOT_CANARY_SECONDS", 15, least=1)
GRACE_SECONDS = env_int("CLAWBOT_GRACE_SECONDS", 10)  # for what runs when a worker is asked to stop
UNDO_SECONDS = env_int("CLAWBOT_UNDO_SECONDS", 10)
WORKER_MEMORY_MB = env_int("CLAWBOT_WORKER_MEMORY_MB", 1024, least=64)
API_PER_MINUTE = env_int("CLAWBOT_API_PER_MINUTE", 600, least=1)  # requests of one token
BROKER = env("CLAWBOT_BROKER", "orm")
REDIS_URL = env("REDIS_URL")

Q_CLUSTER: dict[str, Any] = {
    "name": "clawbot",
    # Each drain occupies one worker for as long as it lingers; one more rings, sweeps and sends.
    "workers": WORKERS + 1,
    # Lets pass only the functions that tasks/queue.py names, and hands nothing out twice.
    "broker_class": "tasks.queue.broker",
    "scheduler": False,  # ours is a sweep; this one runs whatever function its table names
    "timeout": 120,
    "retry": 600,  # how long SQS and the table keep back what was fetched, until it is removed a moment later
    "save_limit": -1,
    "poll": 0.5,
    "recycle": 500,
    "queue_limit": 50,
    # Kilobytes; a drain that returned over its limit takes its process with it.
    "max_rss": WORKER_MEMORY_MB * 1024,
    # Every supervisor names its own cluster (Q_CLUSTER_NAME); django-q2 wants the key to be there then.
    "ALT_CLUSTERS": {},
}
if BROKER == "redis":
    Q_CLUSTER["redis"] = REDIS_URL or "redis://127.0.0.1:6379/0"
elif BROKER == "orm":
    Q_CLUSTER["orm"] = "default"
elif BROKER == "sqs":
    if find_spec("boto3") is None:
        raise SystemExit("CLAWBOT_BROKER=sqs needs boto3. Install what requirements/sqs.txt names.")
    # SQS answers as soon as there is a task; a cluster that is asked to stop waits for the answer.
    Q_CLUSTER["sqs"] = {
        "aws_region": env("AWS_REGION", "eu-central-1"),
        "receive_message_wait_time_seconds": 5,
    }
else:
    raise SystemExit(f"CLAWBOT_BROKER={BROKER!r} is none of orm, redis, sqs.")

# -- Models ----------------------------------------------------------------------------------------

MODELS = env("CLAWBOT_MODELS")
# Addresses an admin allows agents to fetch though they are not public ("127.0.0.1:9000").
FETCH_ALLOW = env_list("CLAWBOT_FETCH_ALLOW")
# Where the services are that agents ask by name ("shop=http://127.0.0.1:8011"); `up` adds the samples.
SERVICES = env("CLAWBOT_SERVICES")

# -- Notices ---------------------------------------------------------------------------------------

SLACK_BOT_TOKEN = env("SLACK_BOT_TOKEN")
SLACK_API_URL = env("SLACK_API_URL", "https://slack.com/api/")
# Which Slack channel a group reads: "editors=C0EDITORIAL,operators=C0OPS".
SLACK_CHANNELS = dict(pair.split("=", 1) for pair in env_list("SLACK_CHANNELS") if "=" in pair)
# Carriers that every notice goes to; slack joins when it has a token.
CARRIERS = ["console", *(["slack"] if SLACK_BOT_TOKEN else [])]

# -- Audit -----------------------------------------------------------------------------------------

# Seals the log. Outside the database, so that who can write its tables cannot forge the chain.
AUDIT_KEY = env("CLAWBOT_AUDIT_KEY") or KeptKey(DATA, "audit_key")
# Where the head of the chain is sent every hour: carriers, as `file,slack:admins`.
HEAD_TO = env_list("CLAWBOT_HEAD_TO", "file")

# -- Secrets ---------------------------------------------------------------------------------------

# Ours, wherever they turn up: in an error, a title, a log line.
# A key that is kept in the data folder makes itself known when it is read (tasks/folder.py).
masking.know(environment.secrets(os.environ))
masking.know(urlsplit(env(name)).password or "" for name in ("DATABASE_URL", "REDIS_URL"))

# -- Log -------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "agents.masking.Formatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "filters": {"probes": {"()": "clawbot.logs.NoProbe"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["probes"]}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "WARNING")},
    "loggers": {"django_q": {"level": "WARNING"}, "clawbot": {"level": "INFO"}, "tasks": {"level": "INFO"}},
}
