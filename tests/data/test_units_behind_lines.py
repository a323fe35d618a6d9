"""Units of one letter behind a line are told from ratios by the rest of the header."""

import pytest

from neuralode_lbfgs.data.headers import split_units


@pytest.mark.parametrize(
    ("headers", "units"),
    [
        (["t/ms", "i_sd/A", "V_peak/V", "omega/(rad/s)"], ["ms", "A", "V", "rad/s"]),
        (["t/s", "x/mm", "i/A", "C/N", "a/b"], ["s", "mm", "A", "", ""]),
        (["t/s", "C/N", "P/T"], ["s", "", ""]),
        (["t [s]", "i_sd/A", "x/V"], ["s", "", ""]),
        (["t (s)", "x (mm)", "x/V"], ["s", "mm", ""]),
    ],
)
def test_what_a_line_means(headers, units):
    split = split_units(headers)
    assert [unit for _, unit in split] == units
    assert all(name == header for header, (name, unit) in zip(headers, split, strict=True) if not unit)
