"""The chain in redun: redun run use_redun.py chain --n 100."""

from redun import task

redun_namespace = "bench"


@task()
def one() -> int:
    return 1


@task()
def inc(x: int) -> int:
    return x + 1


@task()
def chain(n: int = 100) -> int:
    x = one()
    for _ in range(n - 1):
        x = inc(x)
    return x
