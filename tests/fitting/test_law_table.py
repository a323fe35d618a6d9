"""The table of a law keeps to a terminal's width."""

from neuralode_lbfgs.fitting.law import Term, law_table


def test_long_names_of_terms_go_on_below():
    a, b, u = "(ln LacI_nM - 3.17777)", "(ln cI_nM + 2.05123)", "IPTG_mM"
    law = [Term("d ln(LacI_nM)/dt", factors, -0.123456, 0.01) for factors in ((), (a, a, b), (a, b, u), (b,))]
    law += [Term("d ln(cI_nM)/dt", (u,), 1.0, 0.01)]
    lines = law_table(law)
    assert max(map(len, lines)) <= 80
    below = lines.index(next(line for line in lines if line.rstrip().endswith(f"{a}^2*")))
    assert lines[below + 1].split() == [*f"{b} -0.123456 0.01".split()]
    assert " ".join(lines[-1].split()) == "d ln(cI_nM)/dt IPTG_mM 1 0.01"


def test_terms_that_nobody_can_read_are_not_listed():
    law = [Term("d x/dt", ("x",) * n, 1.0, 0.1) for n in range(41)]
    lines = law_table(law)
    assert len(lines) == 2 and "its 41 terms are in metrics.json and report.html" in " ".join(lines)
    assert max(map(len, lines)) <= 80 and len(law_table(law[:40])) == 41


def test_short_ones_have_a_line_each():
    law = [Term("d x/dt", ("v",), 1.0, 0.0), Term("d v/dt", ("x", "x", "v"), -1.5, 0.01)]
    assert [line.split() for line in law_table(law)] == [
        ["rate", "term", "coefficient", "sd"],
        ["d", "x/dt", "v", "1", "exact"],
        ["d", "v/dt", "x^2*v", "-1.5", "0.01"],
    ]
