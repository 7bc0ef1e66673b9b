"""The library's expectations, made to work out their configuration once.

``Expectation.configuration`` has pydantic build a dictionary of every field whenever a single argument is asked for,
and each metric makes an expectation of its own from that: together two fifths of what a suite took. The classes here
give the same configurations under the library's own type names, so that verdicts, metadata and Data Docs are the
library's. They do not take its classes' place in its registry: whatever else uses the library is left alone.

Both classes are made when first asked for, since Dagster imports every module of ``assets`` and the library takes 3 s.
"""

import functools
import importlib
from typing import TYPE_CHECKING, Any

from pydantic.v1 import PrivateAttr

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


@functools.cache
def remembering(name: str) -> Any:
    """The library's expectation of this class name, as one that remembers its configuration."""
    original: Any = getattr(importlib.import_module("great_expectations.expectations"), name)

    def configuration(self: Any) -> "ExpectationConfiguration":
        # The fields tell whether the configuration is still theirs: a suite gives its expectations ids, and a copy
        # takes along what was remembered.
        if self._made is None or self._made[0] != self.__dict__:
            made = original.configuration.fget(self)
            self._made = (dict(self.__dict__), _recalled()(original.expectation_type, made, self))
        return self._made[1]

    parts = {"__module__": __name__, "_made": PrivateAttr(default=None), "configuration": property(configuration)}
    return type(original)(f"Remembering{name}", (original,), parts)


@functools.cache
def _recalled() -> Any:
    """The configuration that leads back to its expectation, where the library's makes another at each question."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    class Recalled(ExpectationConfiguration):
        def __init__(self, kind: str, made: ExpectationConfiguration, origin: "Expectation") -> None:
            super().__init__(
                type=kind, kwargs=made.kwargs, meta=made.meta, notes=made.notes, description=made.description,
                severity=made.severity, id=made.id, rendered_content=made.rendered_content,
            )  # fmt: skip
            self._implementation = type(origin)
            self._origin: tuple[dict[str, Any], Expectation] | None = None
            self._origin = (self.__getstate__(), origin)

        def __getstate__(self) -> dict[str, Any]:
            """What is said, without the way back: a copy is made in order to be changed."""
            return {**self.__dict__, "_kwargs": dict(self.kwargs), "_origin": None}

        def _get_expectation_impl(self) -> type["Expectation"]:
            return self._implementation

        def to_domain_obj(self) -> "Expectation":
            """The same expectation until the configuration changes."""
            said = self.__getstate__()
            if self._origin is None or self._origin[0] != said:
                self._origin = (said, super().to_domain_obj())
            return self._origin[1]

    return Recalled
