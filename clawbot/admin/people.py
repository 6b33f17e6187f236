"""People in the admin: accounts, groups, and a one-time link for who has no password."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from clawbot.people import links
from clawbot.people.models import User
from tasks.machine import Refused


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Accounts. Somebody's group says what they may do."""

    list_display = ["username", "first_name", "last_name", "is_active", "last_login"]
    list_filter = ["groups", "is_active"]
    fieldsets = [
        (None, {"fields": ["username", "password", "is_active"]}),
        ("Person", {"fields": ["first_name", "last_name", "email", "zone", "theme", "single_keys"]}),
        ("May do", {"fields": ["groups", "is_staff", "is_superuser"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    actions = ["sign_in_link"]

    @admin.action(description="Make a one-time sign-in link")
    def sign_in_link(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        if not request.user.is_superuser:
            messages.error(request, "Only a superuser may make links: a link is a way in.")
            return
        for user in chosen:
            try:
                messages.success(request, f"{user.name}, once, within 24 hours: {links.make(user.username)}")
            except Refused as refused:
                messages.error(request, str(refused))
