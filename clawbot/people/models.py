"""A person who signs in, the one-time links that let them, the failures that slow guessing down, and the
tokens by which programs act for a person."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser, Group, UserManager
from django.db import models, transaction

from tasks import log
from tasks.clock import now
from tasks.history import changes
from tasks.history.changes import Recorded, Rows


class People(UserManager.from_queryset(Rows)):  # type: ignore[misc]
    """Accounts, whose changes are noted."""

    use_in_migrations = False


class User(Recorded, AbstractUser):
    """A person. What they may do comes from their group (`tasks/access.py`), not from here."""

    NOUN = "person"
    LOGGED = ("username", "is_active", "is_staff", "is_superuser")
    HASHED = ("email", "password")
    OF_TASK = ""

    THEMES = [("auto", "As the system"), ("light", "Light"), ("dark", "Dark")]

    zone = models.CharField(max_length=64, blank=True, help_text="IANA time zone; empty: the site's")
    theme = models.CharField(max_length=8, choices=THEMES, default="auto")
    single_keys = models.BooleanField(default=True, help_text="Single-key shortcuts on pages")

    objects = People()  # type: ignore[misc]

    class Meta(AbstractUser.Meta):
        """Django's own words for it."""

    #: who changes this account, for the log; a door that knows says so
    changed_by = "clawbot:people"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """As always; where an account, its password or its power became another, the log says so."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            if any(one.of == self.NOUN and one.id == self.pk for one in changes.waiting()):
                log.record("person.changed", by=self.changed_by, person=self.pk, name=self.username)

    def join(self, *groups: Group) -> None:
        """Be in these groups, and in no other."""
        with transaction.atomic():
            self.groups.set(groups)
            self.tell_groups()

    def tell_groups(self) -> None:
        """Say in the log which groups this account is in."""
        names = sorted(self.groups.values_list("name", flat=True))
        log.record("person.groups", by=self.changed_by, person=self.pk, name=self.username, groups=names)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """As always; the log says so."""
        with transaction.atomic():
            log.record("person.removed", by=self.changed_by, person=self.pk, name=self.username)
            return super().delete(*args, **kwargs)

    @classmethod
    def beside_columns(cls) -> dict[int, dict[str, Any]]:
        """The groups of each account."""
        found: dict[int, dict[str, Any]] = {}
        rows = cls.groups.through.objects.order_by("group__name")
        for pk, name in rows.values_list("user_id", "group__name"):
            found.setdefault(pk, {"groups": []})["groups"].append(name)
        return found

    @property
    def name(self) -> str:
        """What pages call this person."""
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        """Two letters for the round avatar."""
        words = self.name.split()
        return (words[0][0] + words[-1][0] if len(words) > 1 else self.name[:2]).upper()


class SignInLink(Recorded):
    """A one-time way in, printed by `make up` and `./manage.py signin`. Only the token's hash is kept."""

    NOUN = "link"
    LOGGED = ("user_id", "token_sha256", "expires_at", "used_at")
    OF_TASK = ""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_in_links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)


class FailedSignIn(models.Model):
    """One wrong password, kept for as long as it counts (`throttle.py`)."""

    username = models.CharField(max_length=150, help_text="as typed, in small letters")
    address = models.CharField(max_length=45)
    at = models.DateTimeField()

    class Meta:
        # Both counts of the throttle read their newest few.
        indexes = [
            models.Index(fields=["username", "-at"], name="failed_by_account"),
            models.Index(fields=["address", "-at"], name="failed_by_address"),
        ]


class Token(Recorded):
    """Lets a program act for its owner. The secret is shown once; only its hash is kept (`tokens.py`)."""

    NOUN = "token"
    LOGGED = (
        "user_id", "name", "scope", "sha256", "created_by", "created_at", "expires_at", "revoked_at", "live",
    )  # fmt: skip
    OF_TASK = ""

    class Scope(models.TextChoices):
        READ = "read", "Read only"
        ACT = "act", "Read and act"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80, help_text="what uses it")
    scope = models.CharField(max_length=4, choices=Scope.choices, default=Scope.ACT)
    sha256 = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=16, help_text="its first letters, to know it again")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=100)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True, help_text="last use, to the minute")
    revoked_at = models.DateTimeField(null=True, blank=True)
    # 1 until it is revoked, NULL then: an owner's tokens have different names, on every database.
    live = models.PositiveSmallIntegerField(null=True, default=1)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["user", "name", "live"], name="token_name")]

    @property
    def is_over(self) -> bool:
        """Whether its date has come."""
        return self.expires_at is not None and self.expires_at <= now()

    def __str__(self) -> str:
        return f"{self.user.username}'s token {self.name!r}"
