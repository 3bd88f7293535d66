"""Runs a worker with stand-in networks: `python -m tests.reliability.light PYTHON -m MODULE ARGUMENTS...`."""

import runpy
import sys

from tests.support.models.light_models import install


def main() -> None:
    """Become the module that the command names."""
    module, *arguments = sys.argv[3:]
    sys.argv[:] = [module, *arguments]
    install()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
