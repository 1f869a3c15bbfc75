"""What a running step may ask for or leave behind, and the two context variables through which a run provides it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from solvent.errors import AuthoringError
from solvent.model import StepContext, Tracer

if TYPE_CHECKING:
    from numpy.random import Generator

tracer: ContextVar[Tracer | None] = ContextVar("solvent_tracer", default=None)
context: ContextVar[StepContext | None] = ContextVar("solvent_context", default=None)
_generator: ContextVar[tuple[StepContext, Any] | None] = ContextVar("solvent_generator", default=None)


@contextmanager
def inside_run(new: Tracer) -> Iterator[None]:
    """Send every call of a step in the block to the tracer."""
    token = tracer.set(new)
    try:
        yield
    finally:
        tracer.reset(token)


@contextmanager
def inside_step(new: StepContext) -> Iterator[None]:
    """Run the block as the body of a step: calls of steps in it are plain calls, `seed` and `log` talk to `new`."""
    traced, stepped = tracer.set(None), context.set(new)
    try:
        yield
    finally:
        context.reset(stepped)
        tracer.reset(traced)


def seed() -> int:
    """Give the seed of this step run: the same for the same run seed, code and inputs. Outside a step it is 0."""
    running = _running("seed()")
    return running.seed() if running else 0


def rng() -> Generator:
    """Give the random generator of this step run, seeded with `seed()`; asking again goes on with the same one.

    It is a `numpy.random.Generator`, or a `random.Random` where NumPy is not installed.
    """
    running = _running("rng()")
    kept = _generator.get()
    if running is None or kept is None or kept[0] is not running:
        made: Generator = _new_generator(seed())
        if running is not None:
            _generator.set((running, made))
        return made
    found: Generator = kept[1]
    return found


class Log:
    """Keeps numbers, texts and figures with the step run that leaves them; outside a step it does nothing."""

    def __call__(self, **numbers: float) -> None:
        """Log each keyword as a metric."""
        self.metrics(numbers)

    def metric(
        self, name: str, value: float, step: int | None = None, *, interval: tuple[float, float] | None = None
    ) -> None:
        """Log one number; with `step` it is a point of a series. `interval` are the ends of its 95 % interval."""
        running = _running("log.metric()")
        if running:
            running.log_metric(name, float(value), step, interval)

    def metrics(self, numbers: Mapping[str, float], step: int | None = None) -> None:
        """Log several numbers at once."""
        running = _running("log.metrics()")
        if running:
            for name, number in numbers.items():
                running.log_metric(name, float(number), step)

    def text(self, name: str, text: str) -> None:
        """Keep a text, such as a report."""
        running = _running("log.text()")
        if running:
            running.log_text(name, text)

    def figure(self, name: str, figure: Any) -> None:
        """Keep a figure, such as one of Matplotlib's."""
        running = _running("log.figure()")
        if running:
            running.log_figure(name, figure)


log = Log()


def _running(asked: str) -> StepContext | None:
    """Give the context of the running step. In a pipeline's body there is none, and what is asked would be lost."""
    running = context.get()
    if running is None and tracer.get() is not None:
        from solvent.pipelines.places import user_line

        raise AuthoringError(
            f"{asked} belongs to a step, and this is the body of a pipeline",
            where=user_line(),
            hint="move it into a step",
        )
    return running


def _new_generator(seed: int) -> Any:
    try:
        from numpy.random import default_rng
    except ImportError:
        from random import Random

        return Random(seed)
    return default_rng(seed)
