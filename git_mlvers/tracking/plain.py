"""Values of other libraries as the plain ones that a text file can hold."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """`value` with its numbers, lists and dicts as Python's own; anything else as text.

    Whatever has ``tolist`` or ``item`` (NumPy, PyTorch, JAX, TensorFlow) is asked
    for its numbers; only of one value, or of few, it makes sense to log them.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    for name in ("tolist", "item"):
        convert = getattr(value, name, None)
        if callable(convert):
            return plain(convert())
    if hasattr(value, "numpy"):
        return plain(value.numpy())
    return str(value)
