"""Fits of these tests are of networks alone, which compile half as much; but for those of what stands beside them."""

import pytest

from neuralode_lbfgs import FitOptions

OF_POLYNOMIALS = ("test_beside", "test_fit", "test_kinetics", "test_linear")


@pytest.fixture(scope="module", autouse=True)
def networks_alone(request):
    if request.module.__name__.rpartition(".")[2] in OF_POLYNOMIALS:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FitOptions, "degree_beside", lambda options, variables: options.degree or 0)
        yield
