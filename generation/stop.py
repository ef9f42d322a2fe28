"""Ending an answer that another thread is making."""

import ctypes


class Stopped(Exception):
    """The answer is no longer wanted."""


class Stop:
    """A flag that ends the model's work within milliseconds of `set`, wherever it is. To be used for one answer."""

    def __init__(self) -> None:
        self._flag = ctypes.create_string_buffer(2)

    def set(self) -> None:
        """Ends the work. From any thread."""
        self._flag[0] = b"\1"

    def is_set(self) -> bool:
        """Whether the work is to end."""
        return self._flag[0] != b"\0"

    @property
    def string(self) -> int:
        """The address of a C string that is empty until the flag is set; valid as long as this object."""
        return ctypes.addressof(self._flag)
