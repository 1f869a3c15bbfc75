"""Trivial steps: what is measured is Solvent."""

import time

from solvent import log, pipeline, step


@step
def one() -> int:
    return 1


@step
def inc(x: int) -> int:
    return x + 1


@step(isolated=True)
def alone(x: int) -> int:
    return x + 1


@step
def nap(n: int) -> int:
    time.sleep(0.1)
    return n


@step
def logs(count: int) -> int:
    for number in range(count):
        log.metric("loss", 1 / (number + 1), step=number)
    return count


@pipeline
def chain(n: int = 100) -> int:
    x = one()
    for _ in range(n - 1):
        x = inc(x)
    return x


@pipeline
def isolated(n: int = 20) -> int:
    x = one()
    for _ in range(n):
        x = alone(x)
    return x


@pipeline
def fan(n: int = 100) -> list[int]:
    return [nap(number) for number in range(n)]


@pipeline
def metrics(count: int = 1000) -> int:
    return logs(count)
