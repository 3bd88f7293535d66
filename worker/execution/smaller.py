"""What runs out of memory is done once more in a smaller form, before its attempt fails."""

from collections.abc import Callable
from typing import TypeVar

from shared.errors import OutOfMemory
from worker.execution.attempt import Stages
from worker.execution.resources import Resources

Result = TypeVar("Result")

SMALLER_FORM = "smaller_form"  # the warning of a result that may differ in its last bits from the usual one


def or_smaller(
    whole: Callable[[], Result], smaller: Callable[[], Result], resources: Resources, stages: Stages
) -> Result:
    """Return what `whole` makes; where memory runs out, let go of what is idle and return `smaller`'s.

    That is told in the job's warnings. Raises OutOfMemory where there is no memory for it either.
    """
    try:
        return whole()
    except (MemoryError, OutOfMemory):
        pass  # and with the error goes what its frames held
    resources.free()
    stages.attempt.check()
    try:
        made = smaller()
    except MemoryError as error:
        raise OutOfMemory("there was not enough memory, in a smaller form neither") from error
    stages.warn(SMALLER_FORM)
    return made
