"""The chain in Dagster, in process, recorded in the instance of $DAGSTER_HOME: python use_dagster.py N."""

import sys

from dagster import DagsterInstance, job, op


@op
def one() -> int:
    return 1


@op
def inc(x: int) -> int:
    return x + 1


def main(n: int) -> None:
    @job
    def chain() -> None:
        x = one()
        for number in range(n - 1):
            x = inc.alias(f"inc_{number}")(x)

    chain.execute_in_process(instance=DagsterInstance.get())


if __name__ == "__main__":
    main(int(sys.argv[1]))
