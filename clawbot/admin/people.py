"""People in the admin: accounts, and a one-time link for who has no password. Only a superuser comes here:
whoever may change an account can make any account their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from agents.contract import Refused
from clawbot.people import links
from clawbot.people.models import User

from .site import site


@admin.register(User, site=site)
class PersonAdmin(UserAdmin):
    """Accounts. Somebody's group says what they may do; a permission of Django's says nothing."""

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
        for user in chosen:
            try:
                messages.success(request, f"{user.name}, once, within 24 hours: {links.make(user.username)}")
            except Refused as refused:
                messages.error(request, str(refused))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """As always, under the name of who does it."""
        obj.changed_by = f"user:{request.user.get_username()}"
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """As always; the log says which groups the account is in from now on."""
        super().save_related(request, form, formsets, change)
        form.instance.tell_groups()

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """As always, under the name of who does it."""
        obj.changed_by = f"user:{request.user.get_username()}"
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """One by one: each is a line in the log."""
        for user in queryset:
            self.delete_model(request, user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser
