"""Every address of the face."""

from django.contrib import admin
from django.urls import path

from clawbot.dashboard import activity, agents, board, deliveries, health, help, holds, me, new_task, review, reviews, task, task_verbs
from clawbot.people import views as people

urlpatterns = [
    path("", board.board, name="board"),
    path("board/", board.board),
    path("board/head/", board.board, {"part": "head"}, name="board_head"),
    path("board/lanes/", board.board, {"part": "lanes"}, name="board_lanes"),
    path("board/cards/<str:key>/", board.card, name="board_card"),
    path("tasks/bulk/", task_verbs.bulk, name="task_bulk"),
    path("agents/", agents.agents, name="agents"),
    path("agents/<slug:slug>/", agents.agent, name="agent"),
    path("activity/", activity.activity, name="activity"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/<int:pk>/check/", deliveries.answer, {"verb": "check"}, name="check_delivery"),
    path("deliveries/<int:pk>/resend/", deliveries.answer, {"verb": "resend"}, name="resend"),
    path("holds/", holds.holds, name="holds"),
    path("holds/<int:pk>/lift/", holds.lift, name="lift"),
    path("help/", help.index, name="help"),
    path("help/<path:name>/", help.page, name="help_page"),
    path("me/", me.me, name="me"),
    path("me/password/", me.password, name="password"),
    path("me/theme/", me.theme, name="theme"),
    path("reviews/", reviews.show, name="reviews"),
    path("reviews/count/", reviews.count, name="reviews_count"),
    path("reviews/news/", reviews.news, name="reviews_news"),
    path("reviews/<int:pk>/", review.show, name="review"),
    path("reviews/<int:pk>/pane/", review.pane, name="review_pane"),
    path("reviews/<int:pk>/news/", review.news, name="review_news"),
    path("reviews/<int:pk>/approve/", review.approve, name="review_approve"),
    path("reviews/<int:pk>/return/", review.send_back, name="review_return"),
    path("reviews/<int:pk>/edit/", review.edit, name="review_edit"),
    path("reviews/<int:pk>/retry/", review.retry, name="review_retry"),
    path("reviews/<int:pk>/skip/", review.skip, name="review_skip"),
    path("reviews/<int:pk>/cancel/", review.cancel, name="review_cancel"),
    path("reviews/<int:pk>/take/", review.take, name="review_take"),
    path("reviews/<int:pk>/comment/", review.comment, name="review_comment"),
    path("reviews/<int:pk>/uncomment/", review.uncomment, name="review_uncomment"),
    path("reviews/<int:pk>/judge/", review.judge, name="review_judge"),
    path("decisions/<int:pk>/undo/", review.undo, name="decision_undo"),
    path("tasks/new/", new_task.show, name="new_task"),
    path("tasks/new/alike/", new_task.alike, name="new_task_alike"),
    path("sign-in/", people.sign_in, name="sign_in"),
    path("sign-in/<str:token>/", people.sign_in_link, name="sign_in_link"),
    path("sign-out/", people.sign_out, name="sign_out"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("healthz/progress", health.progress, name="progress"),
    # After every other tasks/ address: a key matches any word.
    path("tasks/<str:key>/", task.task, name="task"),
    path("tasks/<str:key>/<slug:verb>/", task_verbs.act, name="task_act"),
    path("admin/login/", people.admin_sign_in),
    path("admin/", admin.site.urls),
]
