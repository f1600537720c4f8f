"""Tasks to predictions: one for each, in order; a task that fails does so alone."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from app.api.asking import Asking
from app.api.body import Upload
from app.api.errors import Problem
from app.api.fetching.requests import fetch
from app.api.inline import inline_picture
from app.api.label_studio.connections import Connection
from app.api.label_studio.labelling import Labelling
from app.api.label_studio.schemas import Task
from app.api.many import outcome_of
from app.api.tracing import Trace
from app.core import errors
from app.core.errors import AnswerTooLargeError, InvalidParameterError
from app.inference.answers import SegmentOptions
from app.inference.segmenter import SegmentAnswer
from app.inference.served import ServedModel
from app.inference.workers import Tell

PASSING = frozenset(
    kind.code
    for kind in (
        errors.TooManyRequestsError,
        errors.OverloadedError,
        errors.DecodersStalledError,
        errors.DeadlineExceededError,
        errors.ModelNotReadyError,
    )
)
"""Codes of what is not a task's own fault, and may be gone the next time."""


class Unserved(Exception):  # noqa: N818  # it is no error of its own, it carries a problem
    """A task failed for a reason that is not its own: the request as a whole is to be sent again.

    Args:
        problem: what it was.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Predicting:
    """Predicts the tasks of one request.

    Args:
        asking: whose request it is.
        served: the model, in use by the caller.
        labelling: what to draw, on which picture.
        connection: where pictures are that tasks name by a path.
        deadline: time of the event loop after which tasks are given up; None: never.
        given_up: holds the tasks that were until they end.
    """

    def __init__(
        self,
        asking: Asking,
        served: ServedModel,
        labelling: Labelling,
        connection: Connection,
        deadline: float | None,
        given_up: "set[asyncio.Task[Any]]",
    ) -> None:
        self._asking = asking
        self._served = served
        self._labelling = labelling
        self._connection = connection
        self._deadline = deadline
        self._given_up = given_up
        self._at_a_time = asyncio.Semaphore(served.segmenter.width)
        self._bytes = 0
        self._options = SegmentOptions(
            "label-studio",
            classes=tuple(labelling.labels),
            from_name=labelling.from_name,
            to_name=labelling.to_name,
        )

    async def predictions(self, tasks: Sequence[Task]) -> list[bytes]:
        """Predictions of the tasks as JSON, in order.

        Raises:
            Unserved: the service, or a limit of the key, kept one from being worked on.
            AnswerTooLargeError: all of them together are larger than an answer may be.
        """
        running = [asyncio.create_task(self._predicted(task)) for task in tasks]
        try:
            return [await task for task in running]
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _predicted(self, task: Task) -> bytes:
        async with self._at_a_time:
            outcome = await outcome_of(partial(self._answer, task), self._deadline, self._given_up)
            if isinstance(outcome, Problem):
                return self._failed(outcome)
            content = await asyncio.to_thread(self._renamed, outcome.content)
        self._bytes += len(content)
        if self._bytes > (limit := self._asking.service.settings.max_answer_bytes):
            raise AnswerTooLargeError(f"the predictions have more than {limit} bytes, which is the limit: fewer tasks")
        return content

    async def _answer(self, task: Task, tell: Tell) -> SegmentAnswer:
        with self._asking.trace.picture() as trace:
            picture = await self._picture(task, trace)
            return await self._asking.answer(self._served, picture, self._options, tell, trace)

    async def _picture(self, task: Task, trace: Trace) -> Upload:
        key = self._labelling.data_key
        name = f"data.{key}"[:80]
        found = task.data.get(key)
        if not isinstance(found, str) or not found:
            raise InvalidParameterError(name, "is no URL of a picture, nor a picture in a data URL")
        if found.startswith("data:"):
            return Upload(await asyncio.to_thread(inline_picture, found, name))
        url, authorization = self._connection.picture_url(found, self._asking.service.fetcher, name)
        return await fetch(url, self._asking.service, trace, authorization)

    def _failed(self, problem: Problem) -> bytes:
        """An empty result, where the task itself is at fault: Label Studio wants one for each."""
        if problem.code in PASSING:
            raise Unserved(problem)
        self._asking.record.problems.append(problem.code)
        error = {"code": problem.code, "detail": problem.detail}
        version = str(self._served.model.identity)
        return json.dumps({"result": [], "score": 0.0, "model_version": version, "error": error}).encode()

    def _renamed(self, content: bytes) -> bytes:
        """The prediction with the labels' names in place of the classes'."""
        labels = self._labelling.labels
        if all(name == label for name, label in labels.items()):
            return content
        prediction = json.loads(content)
        for result in prediction["result"]:
            value = result["value"]
            value["brushlabels"] = [labels[name] for name in value["brushlabels"]]
        return json.dumps(prediction, ensure_ascii=False, separators=(",", ":")).encode()
