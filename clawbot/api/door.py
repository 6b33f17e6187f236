"""Puts the resources together: the API object, its OpenAPI 3.1 document, its addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.schema import REF_TEMPLATE

from . import agents, docs, events, holds, messages, metrics, problems, reviews, schemas, tasks, workflows
from .doorkeeper import Bearer, Json, PerToken, guard
from .once import HEADER, KEPT, LONGEST
from .problems import KINDS, MEDIA_TYPE, problem

ABOUT = """Everything a person can do on the pages, for programs. A token acts for its owner: what the owner
may, it may. Errors are RFC 9457 problem details. Send `Idempotency-Key` with a POST, and send it again
without fear."""


class Door(NinjaAPI):
    """Our API: ninja's, with what every operation shares written into its document."""

    def get_openapi_schema(self, **options: Any) -> Any:
        """The document, with the problems every operation may answer and the key every POST takes."""
        document = super().get_openapi_schema(**options)
        shared = document["components"]["schemas"]
        model = schemas.Problem.model_json_schema(ref_template=REF_TEMPLATE)
        shared |= model.pop("$defs", {}) | {"Problem": model}
        for operations in document["paths"].values():
            for method, operation in operations.items():
                _complete(operation, method)
        return document


def _complete(operation: dict[str, Any], method: str) -> None:
    for kind, (status, title) in KINDS.items():
        if status not in operation["responses"] and (method != "get" or kind not in {"key-reused", "stale"}):
            content = {MEDIA_TYPE: {"schema": {"$ref": REF_TEMPLATE.format(model="Problem")}}}
            operation["responses"][status] = {"description": title, "content": content}
    if method == "post":
        described = f"The same key and body again gets the first answer. Kept {KEPT.days} days."
        schema = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"}
        operation.setdefault("parameters", []).append(
            {"in": "header", "name": HEADER, "required": False, "schema": schema, "description": described}
        )


api = Door(
    title="Clawbot", version="1", urls_namespace="api-1", description=ABOUT, auth=Bearer(),
    throttle=PerToken(), parser=Json(), docs=docs.Page(),
)  # fmt: skip
api.add_decorator(guard, mode="view")
problems.install(api)
for prefix, resource in {
    "tasks": tasks, "reviews": reviews, "holds": holds, "agents": agents, "workflows": workflows,
    "events": events, "messages": messages, "metrics": metrics,
}.items():  # fmt: skip
    api.add_router(f"/{prefix}", resource.router)


def _open(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view that asks for tokens itself, not for a session; a wrong method is a problem like any other."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
        response = view(request, *args, **more)
        if response.status_code == 405:
            allowed = response["Allow"]
            response = problem("wrong-method", f"{request.method} does nothing here. Use {allowed}.")
            response["Allow"] = allowed
        return response

    answered.csrf_exempt = True  # type: ignore[attr-defined]
    return login_not_required(answered)


def _nothing(request: HttpRequest, rest: str) -> HttpResponse:
    return problem("unknown", f"There is nothing at /api/v1/{rest}. /api/v1/docs lists every address.")


def _index(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"docs": "/api/v1/docs", "openapi": "/api/v1/openapi.json"})


def addresses() -> tuple[list[URLPattern | URLResolver], str, str]:
    """Every address below /api/v1/, for `path()`."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.name != "api-root":
            pattern.callback = _open(pattern.callback)
    nothing = _open(_nothing)
    found = [one for one in patterns if one.name != "api-root"]  # type: ignore[union-attr]
    root = path("", _open(require_safe(_index)), name="api-root")
    return [*found, root, path("<path:rest>", nothing)], app, namespace
