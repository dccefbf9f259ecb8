"""Strict settings for every test, and the fixtures that many share."""

import os
import pathlib


def _choose_platform() -> None:
    """Set what jax reads when it is imported; VITRAX_TEST_PLATFORM asks for a GPU."""
    platform = os.environ.get("VITRAX_TEST_PLATFORM")
    if platform is not None:
        # The CPU comes second: some tests place arrays on it by name.
        os.environ["JAX_PLATFORMS"] = "cpu" if platform == "cpu" else "cuda,cpu"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    # Workers share the GPU.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("MPLBACKEND", "Agg")


_choose_platform()

import hypothesis
import jax
import pytest
from jaxtyping import config as jaxtyping_config


jax.config.update("jax_enable_x64", os.environ.get("JAX_ENABLE_X64", "1") != "0")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# The first example of a property compiles, which takes as long as it takes.
hypothesis.settings.register_profile("vitrax", deadline=None, derandomize=True)
hypothesis.settings.load_profile("vitrax")

SHARED = pathlib.Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """Folder of real data; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the real data in ../shared/data")
    return SHARED


# Compiled programs are kept, which would be 6 GiB at the end.
MOST_MEMORY = 3 * 2**30


def resident_memory() -> int:
    """Return the bytes of memory that this process has, 0 where it can't be told."""
    try:
        pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module", autouse=True)
def compiler(request):
    """Compile quickly where single steps are tested: compiling is most of the time.

    Rounding and fusion differ with the optimisations that this leaves out, so whatever
    forms images, compares with other programs or runs the command line has them.
    """
    stage = pathlib.Path(request.path).parent.name
    quick = stage not in {"image", "peers", "cli"}
    jax.config.update("jax_disable_most_optimizations", quick)
    yield
    if resident_memory() > MOST_MEMORY:
        jax.clear_caches()


@pytest.fixture
def unchecked():
    """Let wrong arguments reach the function, as they do outside tests."""
    before = jaxtyping_config.jaxtyping_disable
    jaxtyping_config.update("jaxtyping_disable", True)
    yield
    jaxtyping_config.update("jaxtyping_disable", before)


@pytest.fixture
def getkey():
    """Return a function that gives a new key at each call."""
    state = [jax.random.key(20261)]

    def next_key():
        state[0], key = jax.random.split(state[0])
        return key

    return next_key
