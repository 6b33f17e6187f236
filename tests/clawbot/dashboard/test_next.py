"""Where the pages lead after an answer, and after a review that was put off."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tasks.models import Review
from tests.clawbot.dashboard import desk

pytestmark = pytest.mark.django_db


class TestNext:
    """Where the pages lead after a decision: on from here, and back to what was skipped last of all."""

    def there(self, client: Any, ana: Any) -> list[Review]:
        client.force_login(ana)
        return [desk.waiting(title=f"Article {number}") for number in range(4)]

    def on(self, client: Any, name: str, review: Review, **form: Any) -> str:
        return str(client.post(reverse(name, args=[review.pk]), desk.bound(review, **form)).url)

    def test_a_skipped_review_comes_back_after_all_others(self, client: Any, ana: Any) -> None:
        one, two, three, four = self.there(client, ana)
        assert self.on(client, "skip_review", one) == reverse("review", args=[two.pk])
        assert self.on(client, "review_approve", two) == reverse("review", args=[three.pk])
        assert self.on(client, "review_return", three, request="Shorter.") == reverse(
            "review", args=[four.pk]
        )
        assert self.on(client, "skip_review", four) == reverse("review", args=[one.pk])
        page = client.get(reverse("reviews")).text
        assert page.index("Article 0") < page.index("Article 3")

    def test_a_decision_leads_on_from_here_and_not_to_the_oldest(self, client: Any, ana: Any) -> None:
        one, _, three, four = self.there(client, ana)
        assert self.on(client, "review_approve", three) == reverse("review", args=[four.pk])
        assert self.on(client, "review_approve", four) == reverse("review", args=[one.pk])

    def test_skipping_the_only_one_says_so(self, client: Any, ana: Any) -> None:
        client.force_login(ana)
        review = desk.waiting()
        answer = client.post(reverse("skip_review", args=[review.pk]), follow=True)
        assert "is all that waits for you" in answer.text
        assert Review.objects.get(pk=review.pk).open

    def test_skipping_is_of_this_session_only(self, client: Any, ana: Any) -> None:
        one, two, *_ = self.there(client, ana)
        self.on(client, "skip_review", one)
        other = Client()
        other.force_login(ana)
        page = other.get(reverse("reviews")).text
        assert page.index("Article 0") < page.index("Article 1")
        assert two.open
