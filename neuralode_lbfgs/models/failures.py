"""A solve that fails inside a fit is a bad trial, not the end of the program."""

import contextlib
from collections.abc import Iterator
from unittest import mock

import equinox as eqx


@contextlib.contextmanager
def failed_solves_as_nan() -> Iterator[None]:
    """While a program is traced, errors raised by Equinox (`eqx.error_if`, diffrax with throw=True) become NaN.

    Equinox offers the choice only as the environment variable EQX_ON_ERROR, read when it is imported; a
    library must not ask its users to set that first. Where Equinox keeps it elsewhere one day, a throwing
    module raises again, and a test says so.
    """
    home = eqx.internal._errors if hasattr(eqx.internal, "_errors") else eqx._errors  # pyright: ignore
    # What was traced before, to raise, is remembered by the function that was jitted then.
    afresh = eqx.filter_jit(lambda *args, **options: home.branched_error_if_impl(*args, **options))  # pyright: ignore
    with mock.patch.multiple(home, EQX_ON_ERROR="nan", branched_error_if_impl_jit=afresh):
        yield
