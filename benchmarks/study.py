"""What the X-Factor study costs against the straightforward way, by part.

    XFACTOR_DATA=… OMP_NUM_THREADS=1 python -m benchmarks.study [PART …]

Parts: selection, classical, mlp, resnet, stacks; all by default. Everything is CPU time of one
thread on MNIST; where there is a GPU, networks train there on both sides, by the clock. A part is
`benchmarks/study_PART.py`, which says what it measures and stops where the two sides disagree.
"""

from __future__ import annotations

import argparse
from importlib import import_module

import torch
from threadpoolctl import threadpool_limits

PARTS = ("selection", "classical", "mlp", "resnet", "stacks")


def main() -> None:
    """Run the parts named."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=" | ".join(PARTS))
    parts = parser.parse_args().parts
    if unknown := set(parts) - set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}; got {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    with threadpool_limits(limits=1):
        for part in parts or PARTS:
            print(f"\n{part}\n{'seconds':34}    plain     ours    ratio   target")
            import_module(f"benchmarks.study_{part}").run()


if __name__ == "__main__":
    main()
