"""The chain in Metaflow, whose graph is read from the source: python use_metaflow.py N writes flow_N.py."""

import sys
from pathlib import Path


def source(n: int) -> str:
    names = ["start", *(f"s{number}" for number in range(n - 2)), "end"]
    lines = ["from metaflow import FlowSpec, step", "", "", "class Chain(FlowSpec):"]
    for place, name in enumerate(names):
        lines += ["    @step", f"    def {name}(self):", "        self.x = " + ("1" if place == 0 else "self.x + 1")]
        if place + 1 < n:
            lines.append(f"        self.next(self.{names[place + 1]})")
    return "\n".join([*lines, "", 'if __name__ == "__main__":', "    Chain()", ""])


if __name__ == "__main__":
    Path(f"flow_{sys.argv[1]}.py").write_text(source(int(sys.argv[1])))
