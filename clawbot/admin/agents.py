"""Agents in the admin: every save is a new version, checked like a file. Old versions are only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.definition import Definition, loads
from agents.models import Agent, AgentVersion
from agents.strict_yaml import Unreadable
from tasks import access
from tasks.workflow import shipped

from .reading import ReadOnly
from .site import site


class AgentForm(forms.ModelForm):
    """An agent as YAML: what `agents/definitions/` holds in files."""

    yaml = forms.CharField(
        label="Definition (YAML)",
        widget=forms.Textarea(attrs={"rows": 30, "cols": 100, "spellcheck": "false"}),
    )
    note = forms.CharField(max_length=200, required=False, help_text="What changed, for the list of versions")

    class Meta:
        model = Agent
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.active:
            self.fields["yaml"].initial = _yaml(self.instance.active)

    def clean_yaml(self) -> str:
        """Refuse what a file would be refused for, with the line; keep the definition that was read."""
        text = str(self.cleaned_data["yaml"])
        try:
            self.definition = loads(text, "definition", shipped.models)
            shipped.fits(self.definition)
        except Unreadable as error:
            raise ValidationError([ValidationError(problem) for problem in error.problems]) from None
        if self.instance.pk and self.definition.name != self.instance.slug:
            raise ValidationError(
                f"This is {self.instance.slug}; its name cannot change to {self.definition.name}. "
                "Add another agent for that name."
            )
        return text


@admin.register(Agent, site=site)
class AgentAdmin(ReadOnly):
    """The staff. Saving makes a version and activates it; running tasks keep theirs."""

    form = AgentForm
    list_display = ["slug", "active", "active_since", "active_by"]
    search_fields = ["slug"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.can(request.user, "configure")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.can(request.user, "configure")

    @admin.display(description="since")
    def active_since(self, agent: Agent) -> Any:
        return agent.active.created_at if agent.active else None

    @admin.display(description="by")
    def active_by(self, agent: Agent) -> str:
        return agent.active.created_by if agent.active else ""

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        version = shipped.hire(
            form.definition, by=f"user:{request.user.username}", note=form.cleaned_data["note"]
        )
        # What the admin logs and shows afterwards is the row that the version belongs to.
        obj.__dict__.update(Agent.objects.get(slug=form.definition.name).__dict__)
        obj.is_unchanged = version is None  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Agent) -> HttpResponse:
        """Say what was done, once: a save of the same words changed nothing."""
        if not getattr(obj, "is_unchanged", False):
            return super().response_change(request, obj)
        messages.info(request, "It says the same as the active version: nothing was changed.")
        return self.response_post_save_change(request, obj)


@admin.register(AgentVersion, site=site)
class AgentVersionAdmin(ReadOnly):
    """Every wording there was. To go back to one is to say it again, as a new version."""

    list_display = ["agent", "number", "is_active", "created_at", "created_by", "note"]
    list_filter = ["agent"]
    fields = ["agent", "number", "wording", "sha256", "note", "created_at", "created_by"]
    actions = ["use_again"]

    @admin.display(boolean=True, description="active")
    def is_active(self, version: AgentVersion) -> bool:
        return version.agent.active_id == version.pk

    @admin.display(description="definition")
    def wording(self, version: AgentVersion) -> SafeString:
        return format_html("<pre>{}</pre>", _yaml(version))

    @admin.action(description="Use this version again (makes a new one with the same words)")
    def use_again(self, request: HttpRequest, chosen: QuerySet[AgentVersion]) -> None:
        for version in chosen.select_related("agent"):
            try:
                definition = loads(_yaml(version), str(version), shipped.models)
                made = shipped.hire(
                    definition, by=f"user:{request.user.username}", note=f"As v{version.number} again"
                )
            except Unreadable as error:
                messages.error(request, f"{version} cannot be used any more. {error}")
                continue
            messages.success(
                request, f"{made} says what {version} said." if made else f"{version} is active already."
            )


def _yaml(version: AgentVersion) -> str:
    return Definition.model_validate(version.definition).yaml()
