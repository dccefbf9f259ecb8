"""Lobato's and Kirkland's tables: published sums, exact cases, their Gaussians."""

import pydoc
import subprocess
import sys

import jax
import numpy as np
import pytest
from scipy import special

import vitrax as vx
from vitrax import physics
from vitrax.physics import (
    KIRKLAND_2020,
    KIRKLAND_2020_FORMULA,
    LOBATO_2014,
    LOBATO_2014_FORMULA,
    PENG_1996,
    ScatteringFormula,
    UnknownElementError,
    scattering_factor,
)


PAIRS = [(LOBATO_2014, LOBATO_2014_FORMULA), (KIRKLAND_2020, KIRKLAND_2020_FORMULA)]
each_table = pytest.mark.parametrize(
    ("table", "formula"), PAIRS, ids=["lobato", "kirkland"]
)
BIOLOGICAL = physics.atomic_numbers(["H", "C", "N", "O", "P", "S"])
BOHR = 0.529177210903


@each_table
def test_forward_factors_are_published_ones(table, formula):
    expected = {
        "Lobato 2014": [0.529, 2.510, 2.249, 2.029, 5.567, 5.254],
        "Kirkland 2020": [0.530, 2.511, 2.219, 1.990, 5.498, 5.172],
    }[formula.name]
    exact = scattering_factor(formula, BIOLOGICAL, [0.0])[:, 0]
    np.testing.assert_allclose(exact, expected, rtol=0, atol=6e-4)
    total = table.amplitudes(BIOLOGICAL).sum(axis=1)
    np.testing.assert_allclose(total, exact, rtol=1e-4)


def test_hydrogen_of_lobato_is_the_exact_ground_state():
    # The X-ray factor (1 + x)^-2, x = (π a0 k)², in Mott's and Bethe's formula.
    k = np.linspace(0.0, 12.0, 50)
    x = (np.pi * BOHR * k) ** 2
    exact = 0.5 * BOHR * (2 + x) / (1 + x) ** 2
    computed = scattering_factor(LOBATO_2014_FORMULA, bytes([1]), k)[0]
    np.testing.assert_allclose(computed, exact, rtol=1e-8)


@each_table
def test_at_large_angles_the_nucleus_scatters(table, formula):
    # Mott and Bethe: (Z - f_x)/(2 π² a0 k²), where few electrons scatter X-rays.
    elements, k = bytes([6, 7, 8, 15, 16]), 12.0
    computed = scattering_factor(formula, elements, [k])[:, 0]
    nucleus = np.frombuffer(elements, np.uint8) / (2 * np.pi**2 * BOHR * k**2)
    np.testing.assert_allclose(computed, nucleus, rtol=0.05)


@each_table
def test_gaussians_are_the_formula_to_1e_4(table, formula):
    assert table.elements == formula.elements == bytes(range(1, 104))
    k = np.linspace(0.0, 6.0, 1001)
    gaussians = scattering_factor(table, table.elements, k)
    exact = scattering_factor(formula, table.elements, k)
    np.testing.assert_allclose(gaussians, exact, rtol=1e-4)


@each_table
def test_gaussians_are_few_and_no_wider_than_atoms(table, formula):
    amplitudes = table.amplitudes(table.elements)
    assert amplitudes.shape == (
        103,
        {"Lobato 2014": 14, "Kirkland 2020": 16}[table.name],
    )
    deviations = np.sqrt(table.b_factors(table.elements).max(axis=1) / (8 * np.pi**2))
    assert deviations.max() < 3.0
    assert deviations[np.frombuffer(BIOLOGICAL, np.uint8) - 1].max() < 1.6
    # Cancellation would cost digits in single precision.
    assert (np.abs(amplitudes).sum(axis=1) < 2.5 * amplitudes.sum(axis=1)).all()


@each_table
def test_differs_from_peng_s_as_far_as_is_known(table, formula):
    elements = PENG_1996.elements
    peng = scattering_factor(PENG_1996, elements, [0.0])[:, 0]
    ratio = scattering_factor(table, elements, [0.0])[:, 0] / peng
    biological = ratio[np.frombuffer(BIOLOGICAL, np.uint8) - 1]
    assert np.abs(biological - 1).max() < 0.0235
    assert np.abs(biological - 1).max() > 0.002
    assert 0.06 < np.abs(ratio - 1).max() < 0.11


@each_table
def test_agrees_with_peng_s_where_atoms_are_hardly_told_apart(table, formula):
    k = np.linspace(0.0, 2.0, 21)
    computed = scattering_factor(table, BIOLOGICAL, k)
    np.testing.assert_allclose(
        computed, scattering_factor(PENG_1996, BIOLOGICAL, k), rtol=0.03
    )


def bessel_projection(formula, element, radius):
    """Return the projected potential of an atom in closed form, Å per Å²."""
    (row,) = (row for row in formula.rows if row[0] == element)
    p, q, b, c, d = (np.asarray(each)[:, None] for each in row[1:])
    u = 2 * np.pi * radius / np.sqrt(b)
    single = 2 * np.pi * p / b * special.k0(u)
    double = np.pi * q / b * u * special.k1(u)
    gaussian = np.pi * c / d * np.exp(-((np.pi * radius) ** 2) / d)
    return (single + double).sum(axis=0) + gaussian.sum(axis=0)


@each_table
@pytest.mark.parametrize("element", [1, 6, 8, 16, 26, 79])
def test_projected_potential_is_the_sum_of_bessel_functions(table, formula, element):
    radius = np.linspace(0.2, 4.0, 77)
    variances = table.b_factors(bytes([element]))[0] / (8 * np.pi**2)
    decays = np.exp(-(radius[:, None] ** 2) / (2 * variances)) / (2 * np.pi * variances)
    computed = decays @ table.amplitudes(bytes([element]))[0]
    exact = bessel_projection(formula, element, radius)
    near = radius < 1.0
    np.testing.assert_allclose(computed[near], exact[near], rtol=5e-3)
    away = radius >= 0.5
    weights = np.sqrt(radius[away])
    error = np.linalg.norm(weights * (computed - exact)[away])
    assert error < 1e-4 * np.linalg.norm(weights * exact[away])


@each_table
def test_mean_inner_potential_of_silicon(table, formula):
    # Eight atoms in a cubic cell of 5.4309 Å, each a free atom.
    silicon = bytes([14])
    grid = vx.Grid((40, 40, 40), 0.4)
    atom = vx.Atoms(np.zeros((1, 3)), silicon, [5.0], [1.0])
    potential = jax.jit(vx.render)(atom.to_gaussians(table), grid)
    integral = float(potential.values.sum()) * 0.4**3
    forward = scattering_factor(formula, silicon, [0.0])[0, 0]
    assert integral == pytest.approx(physics.POTENTIAL_FACTOR * forward, rel=2e-4)
    assert 8 * integral / 5.4309**3 == pytest.approx(13.9, abs=0.2)


@each_table
def test_element_missing_from_the_table_is_named(table, formula):
    for each in (table, formula):
        with pytest.raises(UnknownElementError, match=f"{each.name} has no Rf"):
            scattering_factor(each, physics.atomic_numbers(["C", "Rf"]), [0.0])
    with pytest.raises(UnknownElementError, match="elements have numbers 1 to 118"):
        formula.at(bytes([0]), np.zeros(1))


@pytest.mark.parametrize("k", [0.5, [[0.5]], [np.nan]])
def test_frequencies_are_a_list_of_numbers(k):
    with pytest.raises(ValueError, match=r"cannot take scattering factors .* in 1/Å"):
        scattering_factor(LOBATO_2014, bytes([6]), k)


def test_rows_follow_the_atoms():
    rows = scattering_factor(KIRKLAND_2020_FORMULA, bytes([16, 6, 16]), [0.0, 1.0])
    assert rows.shape == (3, 2)
    np.testing.assert_array_equal(rows[0], rows[2])
    one = scattering_factor(KIRKLAND_2020_FORMULA, bytes([6]), [0.0, 1.0])
    np.testing.assert_array_equal(rows[1:2], one)


def test_tables_are_made_once_and_hashable():
    assert physics.LOBATO_2014 is LOBATO_2014
    assert hash(LOBATO_2014_FORMULA) != hash(KIRKLAND_2020_FORMULA)
    atoms = vx.Atoms([[0.0, 0.0, 0.0]], [6], [30.0], [0.5])
    gaussians = jax.jit(lambda a, t: a.to_gaussians(t), static_argnums=1)(
        atoms, LOBATO_2014
    )
    expected = 0.5 * LOBATO_2014.amplitudes(bytes([6]))
    np.testing.assert_allclose(gaussians.amplitudes, expected)


def test_importing_makes_no_table():
    code = (
        "import time\n"
        "from vitrax import physics\n"
        "from vitrax.physics import _scattering_formulas as formulas\n"
        "assert formulas.lobato_formula.cache_info().misses == 0\n"
        "assert formulas.kirkland_formula.cache_info().misses == 0\n"
        "start = time.process_time()\n"
        "physics.LOBATO_2014, physics.KIRKLAND_2020\n"
        "print(time.process_time() - start)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert float(printed) < 0.6
    with pytest.raises(AttributeError, match="no attribute 'DOYLE_1968'"):
        _ = physics.DOYLE_1968


def test_formulas_from_text():
    two = "# a line\nC 6 1 2 3 4 5 .1 .2 .3 .4 .5\n\n"
    lobato = ScatteringFormula.from_lobato_text("one element", two)
    assert scattering_factor(lobato, bytes([6]), [0.0])[0, 0] == pytest.approx(30.0)
    half = scattering_factor(lobato, bytes([6]), [1.0])[0, 0]
    terms = [
        a * (2 + b) / (1 + b) ** 2
        for a, b in zip(range(1, 6), np.arange(1, 6) / 10, strict=True)
    ]
    assert half == pytest.approx(sum(terms))
    kirkland = ScatteringFormula.from_kirkland_text(
        "one", "C 6 1 2 3 .1 .2 .3 4 5 6 7 8 9"
    )
    terms = [
        a / (1 + b) + c * np.exp(-d)
        for a, b, c, d in zip(
            (1, 2, 3), (0.1, 0.2, 0.3), (4, 5, 6), (7, 8, 9), strict=True
        )
    ]
    assert scattering_factor(kirkland, bytes([6]), [1.0])[0, 0] == pytest.approx(
        sum(terms)
    )


GIVEN = [bytes([6, 8]), [6, 8], np.array([6, 8]), ["C", "O"], np.array(["C", "o"])]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("elements", GIVEN, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("table", [PENG_1996, LOBATO_2014_FORMULA])
def test_elements_are_given_as_to_atoms(table, elements):
    factors = scattering_factor(table, elements, [0.0, 0.5])
    np.testing.assert_array_equal(
        factors, scattering_factor(table, bytes([6, 8]), [0.0, 0.5])
    )
    assert factors.shape == (2, 2)
    atoms = vx.Atoms(np.zeros((2, 3)), elements, np.zeros(2), np.ones(2))
    assert atoms.elements == bytes([6, 8])
    assert physics.symbols(elements) == ("C", "O")
    assert vx.structure.FRASER_1978(elements).tolist() == [16.44, 9.13]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("elements", "kind", "message"),
    [
        ([6.0], TypeError, "of kind float64 .* aren't a list of atomic numbers"),
        ("C", TypeError, "aren't a list of atomic numbers or symbols"),
        ([[6]], TypeError, "shape .1, 1. because"),
        (6, TypeError, "aren't a list of atomic numbers"),
        (
            [300, 0],
            UnknownElementError,
            r"atomic numbers \[0, 300\] because .* 1 to 118",
        ),
        (["Q"], UnknownElementError, "'Q' .* isn't a chemical element"),
    ],
)
def test_what_aren_t_elements_is_refused(elements, kind, message):
    calls = (
        lambda: scattering_factor(PENG_1996, elements, [0.0]),
        lambda: scattering_factor(KIRKLAND_2020_FORMULA, elements, [0.0]),
        lambda: PENG_1996.amplitudes(elements),
        lambda: PENG_1996.b_factors(elements),
        lambda: vx.Atoms([[0.0] * 3], elements, [0.0], [1.0]),
        lambda: vx.structure.FRASER_1978(elements),
        lambda: physics.symbols(elements),
    )
    for call in calls:
        with pytest.raises(kind, match=message):
            call()
    with pytest.raises(TypeError, match="isn't a list of element symbols"):
        physics.atomic_numbers([6])


def test_tables_are_shown_by_name():
    assert repr(PENG_1996) == "<ScatteringFactors Peng 1996, 98 elements>"
    assert repr(LOBATO_2014_FORMULA) == "<ScatteringFormula Lobato 2014, 103 elements>"
    assert (
        repr(vx.structure.FRASER_1978) == "<DisplacedVolumes Fraser 1978, 6 elements>"
    )
    assert len(pydoc.render_doc(vx.structure.in_solvent)) < 5000
