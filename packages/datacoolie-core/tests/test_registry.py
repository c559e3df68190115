"""Plugins are found in real installed distributions: `*.dist-info` folders beside their modules on `sys.path`."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from datacoolie.core.exceptions import ConfigurationError, DataCoolieError
from datacoolie.core.registry import PluginInfo, PluginRegistry
from datacoolie.core.secret_resolver import BaseSecretResolver, EnvResolver
from datacoolie.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROUP = "datacoolie_test.animals"


class BaseAnimal:
    """What the plugins of these tests subclass; installed modules import it from `animal_base`."""

    def __init__(self, *, legs: int = 4, name_tag: str = "") -> None:
        self.legs = legs
        self.name_tag = name_tag


class Cat(BaseAnimal):
    pass


class Dog(BaseAnimal):
    pass


class Install(Protocol):
    def __call__(
        self, distribution: str, plugins: dict[str, str], code: str = "", requires: tuple[str, ...] = ()
    ) -> str:
        """Install a distribution and return its module's name."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Write each distribution into a site folder of its own, the newest first on `sys.path`.

    `plugins` maps names to attributes of the module.
    """
    monkeypatch.setitem(sys.modules, "animal_base", sys.modules[__name__])
    modules: list[str] = []

    def write(distribution: str, plugins: dict[str, str], code: str = "", requires: tuple[str, ...] = ()) -> str:
        module = distribution.replace("-", "_")
        modules.append(module)
        site = tmp_path / module
        site.mkdir()
        monkeypatch.syspath_prepend(str(site))
        (site / f"{module}.py").write_text(code)
        info = site / f"{module}-1.2.dist-info"
        info.mkdir()
        lines = [f"Requires-Dist: {line}" for line in requires]
        (info / "METADATA").write_text(
            "\n".join(["Metadata-Version: 2.1", f"Name: {distribution}", "Version: 1.2", *lines])
        )
        points = [f"{name} = {module}:{attribute}" for name, attribute in plugins.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *points]))
        return module

    yield write
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def registry() -> PluginRegistry[BaseAnimal]:
    return PluginRegistry(GROUP, BaseAnimal)


def registry_of(base: type, group: str = "datacoolie_test.none") -> PluginRegistry[Any]:
    """Return a registry of an abstract base class, which mypy would refuse where a concrete one is expected."""
    return PluginRegistry(group, base)


HORSE = "from animal_base import BaseAnimal\nclass Horse(BaseAnimal): pass\n"


def test_discovery_lists_and_checks_names_without_importing(
    install: Install, registry: PluginRegistry[BaseAnimal]
) -> None:
    module = install("far-horse", {"zebra": "Horse", "horse": "Horse"}, HORSE)
    assert registry.list_plugins() == ["horse", "zebra"]
    assert registry.is_available("horse")
    assert not registry.is_available("hors")
    assert [info.name for info in registry.describe()] == ["horse", "zebra"]
    assert module not in sys.modules
    assert type(registry.get("horse", legs=5)).__module__ == module
    assert registry.get("horse", legs=5).legs == 5


def test_entry_points_are_read_once_and_again_after_clear(
    install: Install, registry: PluginRegistry[BaseAnimal]
) -> None:
    assert registry.list_plugins() == []
    install("far-horse", {"horse": "Horse"}, HORSE)
    assert registry.list_plugins() == []
    registry.register("cat", Cat)
    registry.clear()
    assert registry.list_plugins() == ["horse"]


def test_the_installed_core_declares_its_resolver() -> None:
    assert type(registry_of(BaseSecretResolver, "datacoolie.resolvers").get("env")) is EnvResolver


def test_get_makes_a_new_instance_each_time(registry: PluginRegistry[BaseAnimal]) -> None:
    registry.register("cat", Cat)
    first, second = registry.get("cat", legs=3), registry.get("cat")
    assert (type(first), first.legs, second.legs) == (Cat, 3, 4)
    assert first is not second
    assert registry.get_class("cat") is Cat


@pytest.mark.parametrize("discovered_first", [True, False])
def test_a_manual_registration_wins(
    install: Install, registry: PluginRegistry[BaseAnimal], *, discovered_first: bool
) -> None:
    install("far-horse", {"horse": "Horse"}, HORSE)
    if discovered_first:
        assert registry.get_class("horse").__name__ == "Horse"
    registry.register("horse", Cat)
    assert registry.list_plugins() == ["horse"]
    assert registry.get_class("horse") is Cat


def test_unregister_undoes_a_registration_then_hides_what_was_discovered(
    install: Install, registry: PluginRegistry[BaseAnimal]
) -> None:
    install("far-horse", {"horse": "Horse"}, HORSE)
    registry.register("horse", Cat)
    registry.unregister("horse")
    assert registry.get_class("horse").__name__ == "Horse"
    registry.unregister("horse")
    assert not registry.is_available("horse")
    with pytest.raises(DataCoolieError, match="No animal is called 'horse'"):
        registry.unregister("horse")
    registry.register("horse", Dog)
    assert registry.get_class("horse") is Dog
    registry.unregister("horse")
    assert registry.is_available("horse")


def test_an_unknown_name_lists_what_there_is_and_the_nearest(registry: PluginRegistry[BaseAnimal]) -> None:
    registry.register("polars", Cat)
    registry.register("dog", Dog)
    with pytest.raises(DataCoolieError) as caught:
        registry.get("Polar")
    assert str(caught.value) == "No animal is called 'Polar'. Installed: dog, polars. Did you mean 'polars'?"
    assert caught.value.details == {"group": GROUP, "name": "Polar", "possible": ["dog", "polars"]}


def test_an_unknown_name_like_no_other_says_how_to_get_more(registry: PluginRegistry[BaseAnimal]) -> None:
    with pytest.raises(DataCoolieError) as caught:
        registry.get_or_create("whale")
    assert str(caught.value) == (
        "No animal is called 'whale'. Installed: none. "
        'Others are packages of their own: pip install "datacoolie[<extra>]".'
    )


def test_messages_call_a_plugin_by_its_base_class() -> None:
    class BaseSecretKeeper:
        pass

    with pytest.raises(DataCoolieError, match="No secret keeper is called 'x'"):
        PluginRegistry("datacoolie_test.none", BaseSecretKeeper).get("x")


@pytest.mark.parametrize("wrong", [int, "Cat", Cat(), None])
def test_only_subclasses_are_registered(registry: PluginRegistry[BaseAnimal], wrong: type[BaseAnimal]) -> None:
    with pytest.raises(DataCoolieError, match=r"no subclass of .*\.BaseAnimal"):
        registry.register("wrong", wrong)
    assert registry.list_plugins() == []


@pytest.mark.parametrize("attribute", ["Stone", "stone"])
def test_only_subclasses_are_loaded(install: Install, registry: PluginRegistry[BaseAnimal], attribute: str) -> None:
    install("far-stone", {"stone": attribute}, "class Stone: pass\nstone = Stone()\n")
    with pytest.raises(DataCoolieError, match=rf"'stone' \(far_stone:{attribute} of far-stone 1.2\).*no subclass of"):
        registry.get("stone")


def test_a_plugin_for_another_version_of_the_contract_is_refused(install: Install) -> None:
    code = """
from datacoolie.core.secret_resolver import BaseSecretResolver
class Later(BaseSecretResolver):
    contract_version = 2
    def resolve(self, key, source): return key
"""
    install("far-vault", {"far": "Later"}, code)
    registry = PluginRegistry(GROUP, BaseSecretResolver)  # type: ignore[type-abstract] # as all are
    with pytest.raises(ConfigurationError) as caught:
        registry.get("far")
    assert str(caught.value) == (
        "The secret resolver 'far' (far_vault:Later of far-vault 1.2) is built for version 2 of the contract of this "
        "kind of plugin, and datacoolie-core has version 1. Install versions of both that go together."
    )
    (info,) = registry.describe(load=True)
    assert info.error == str(caught.value)


def test_a_plugin_that_can_not_be_imported_hides_no_other(
    install: Install, registry: PluginRegistry[BaseAnimal]
) -> None:
    install("far-horse", {"horse": "Horse"}, HORSE)
    install("far-cow", {"cow": "Cow"}, "raise RuntimeError('no native library')")
    assert registry.list_plugins() == ["cow", "horse"]
    assert registry.get("horse").legs == 4
    with pytest.raises(DataCoolieError) as caught:
        registry.get("cow")
    assert str(caught.value) == (
        "far_cow:Cow of far-cow 1.2 can't be imported: RuntimeError: no native library. "
        "Install it and what it needs again: pip install --upgrade --force-reinstall far-cow"
    )
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("missing", "requires", "command"),
    [
        ("json.hay", ("json-more; extra == 'more'",), '"far-cow[more]"'),
        ("hay_bale.sub", ("hay-bale>=1 ; extra == 'local'",), '"far-cow[local]"'),
        ("grass.cut", ("stone>1", 'grass-identity<2; python_version > "3" and extra == "sdk"'), '"far-cow[sdk]"'),
        ("hay_bale", ("hay-bale>=1",), "--upgrade --force-reinstall far-cow"),
        ("hay_bale", ("hay-balers; extra == 'local'",), "--upgrade --force-reinstall far-cow"),
    ],
)
def test_a_missing_module_names_what_to_install(
    install: Install, registry: PluginRegistry[BaseAnimal], missing: str, requires: tuple[str, ...], command: str
) -> None:
    install("far-cow", {"cow": "Cow"}, f"import {missing}", requires)
    with pytest.raises(DataCoolieError) as caught:
        registry.get("cow")
    assert "can't be imported: ModuleNotFoundError: No module named" in str(caught.value)
    assert str(caught.value).endswith(f"pip install {command}")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_missing_attribute_is_an_import_failure(install: Install, registry: PluginRegistry[BaseAnimal]) -> None:
    install("far-horse", {"horse": "Hrose"}, HORSE)
    with pytest.raises(DataCoolieError, match=r"AttributeError: .*Hrose") as caught:
        registry.get_class("horse")
    assert isinstance(caught.value.__cause__, AttributeError)


def test_a_name_claimed_by_two_distributions_is_refused(install: Install, registry: PluginRegistry[BaseAnimal]) -> None:
    install("a-horse", {"horse": "Horse"}, HORSE)
    install("b-horse", {"horse": "Horse"}, HORSE)
    assert registry.list_plugins() == ["horse"]
    with pytest.raises(DataCoolieError) as caught:
        registry.get("horse")
    claim = (
        "The animal 'horse' is claimed 2 times: a_horse:Horse of a-horse 1.2, b_horse:Horse of b-horse 1.2. "
        "Uninstall all but one, or choose with register('horse', cls)."
    )
    assert str(caught.value) == claim
    assert [(info.distribution, info.error) for info in registry.describe()] == [("a-horse", claim), ("b-horse", claim)]
    registry.register("horse", Cat)
    assert registry.get_class("horse") is Cat


def test_two_claims_of_a_name_for_the_same_class_are_one(
    install: Install, registry: PluginRegistry[BaseAnimal], tmp_path: Path
) -> None:
    install("far-horse", {"horse": "Horse"}, HORSE)
    left_behind = tmp_path / "far_horse" / "~ar_horse-1.2.dist-info"
    shutil.copytree(tmp_path / "far_horse" / "far_horse-1.2.dist-info", left_behind)
    assert registry.get_class("horse").__name__ == "Horse"
    assert len(registry.describe()) == 1


def test_a_distribution_that_lost_its_metadata_still_works(
    install: Install, registry: PluginRegistry[BaseAnimal], tmp_path: Path
) -> None:
    install("far-horse", {"horse": "Horse", "cow": "Cow"}, HORSE)
    (tmp_path / "far_horse" / "far_horse-1.2.dist-info" / "METADATA").unlink()
    assert registry.get("horse").legs == 4
    with pytest.raises(DataCoolieError, match="far_horse:Cow of unknown unknown can't be imported"):
        registry.get("cow")
    assert [info.distribution for info in registry.describe(load=True)] == ["unknown", "unknown"]


def test_describe_says_where_each_comes_from_and_what_is_wrong(
    install: Install, registry: PluginRegistry[BaseAnimal]
) -> None:
    install("far-horse", {"horse": "Horse"}, HORSE)
    install("far-cow", {"cow": "Cow"}, "import hay_bale")
    registry.register("cat", Cat)
    cow, horse = registry.describe()[1:]
    assert (cow.error, horse.error) == (None, None)
    cat, cow, horse = registry.describe(load=True)
    assert cat == PluginInfo(
        name="cat", value=f"{__name__}:Cat", distribution=None, version=None, origin="manual", error=None
    )
    assert horse == PluginInfo(
        name="horse", value="far_horse:Horse", distribution="far-horse", version="1.2", origin="entry point", error=None
    )
    assert (cow.name, cow.value, cow.distribution, cow.version) == ("cow", "far_cow:Cow", "far-cow", "1.2")
    assert "No module named 'hay_bale'" in str(cow.error)


def test_wrong_arguments_are_named_without_their_values(registry: PluginRegistry[BaseAnimal]) -> None:
    registry.register("cat", Cat)
    with pytest.raises(ConfigurationError) as caught:
        registry.get("cat", leg="s3cret")
    assert str(caught.value) == (
        "The animal 'cat' can't be made: got an unexpected keyword argument 'leg'. "
        "It accepts: legs, name_tag. Did you mean 'legs'?"
    )


def test_a_missing_argument_is_named(registry: PluginRegistry[BaseAnimal]) -> None:
    class Shark(BaseAnimal):
        def __init__(self, teeth: int) -> None:
            super().__init__(legs=teeth)

    registry.register("shark", Shark)
    with pytest.raises(ConfigurationError, match=r"missing a required argument: 'teeth'. It accepts: teeth"):
        registry.get_or_create("shark")
    assert registry.get_or_create("shark", teeth=7).legs == 7


def test_what_a_constructor_raises_itself_is_not_taken_for_a_wrong_call(registry: PluginRegistry[BaseAnimal]) -> None:
    class Faulty(BaseAnimal):
        def __init__(self) -> None:
            len(3)  # type: ignore[arg-type]

    registry.register("faulty", Faulty)
    with pytest.raises(TypeError, match=r"object of type 'int' has no len"):
        registry.get("faulty")


def test_an_abstract_plugin_is_refused_naming_what_it_lacks() -> None:
    class BaseBird(ABC):
        @abstractmethod
        def sing(self) -> str: ...

        @abstractmethod
        def fly(self) -> str: ...

    class Ostrich(BaseBird):
        def sing(self) -> str:
            return "boom"

    registry = registry_of(BaseBird)
    registry.register("ostrich", Ostrich)
    with pytest.raises(ConfigurationError, match=r"The bird 'ostrich' .* lacks: fly\."):
        registry.get("ostrich")


def test_get_or_create_keeps_one_instance_until_told_otherwise(registry: PluginRegistry[BaseAnimal]) -> None:
    registry.register("cat", Cat)
    cat = registry.get_or_create("cat", legs=3)
    assert registry.get_or_create("cat", legs=9) is cat
    registry.clear_singletons()
    assert registry.get_or_create("cat", legs=9).legs == 9
    registry.register("cat", Dog)
    assert type(registry.get_or_create("cat")) is Dog
    registry.unregister("cat")
    with pytest.raises(DataCoolieError):
        registry.get_or_create("cat")


def test_sixteen_threads_make_one_singleton(registry: PluginRegistry[BaseAnimal]) -> None:
    made = []

    class Slow(BaseAnimal):
        def __init__(self) -> None:
            time.sleep(0.02)
            made.append(self)

    registry.register("slow", Slow)
    start = threading.Barrier(16)

    def ask(_: int) -> BaseAnimal:
        start.wait()
        return registry.get_or_create("slow")

    with ThreadPoolExecutor(16) as pool:
        got = set(pool.map(ask, range(16)))
    assert got == set(made)
    assert len(made) == 1


def test_sixteen_threads_discover_and_import_one_class(install: Install, registry: PluginRegistry[BaseAnimal]) -> None:
    install("far-horse", {"horse": "Horse"}, f"import time\ntime.sleep(0.02)\n{HORSE}")
    start = threading.Barrier(16)

    def ask(_: int) -> BaseAnimal:
        start.wait()
        return registry.get_or_create("horse")

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1


def test_making_one_plugin_does_not_wait_for_another(registry: PluginRegistry[BaseAnimal]) -> None:
    making, finish = threading.Event(), threading.Event()

    class Slow(BaseAnimal):
        def __init__(self) -> None:
            making.set()
            assert finish.wait(10)

    registry.register("slow", Slow)
    registry.register("cat", Cat)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(registry.get_or_create, "slow")
        assert making.wait(10)
        try:
            assert type(pool.submit(registry.get_or_create, "cat").result(5)) is Cat
        finally:
            finish.set()
        assert type(slow.result(10)) is Slow


def test_a_plugin_made_while_it_is_replaced_is_not_kept(registry: PluginRegistry[BaseAnimal]) -> None:
    class Replaced(BaseAnimal):
        def __init__(self) -> None:
            registry.register("cat", Cat)

    registry.register("cat", Replaced)
    assert type(registry.get_or_create("cat")) is Replaced
    assert type(registry.get_or_create("cat")) is Cat


def test_a_plugin_may_ask_for_another_while_it_is_made(registry: PluginRegistry[BaseAnimal]) -> None:
    class Herd(BaseAnimal):
        def __init__(self) -> None:
            super().__init__(legs=10 * registry.get_or_create("cat").legs)

    registry.register("cat", Cat)
    registry.register("herd", Herd)
    assert registry.get_or_create("herd").legs == 40


def test_a_failed_constructor_is_not_remembered(registry: PluginRegistry[BaseAnimal]) -> None:
    attempts = []

    class Flaky(BaseAnimal):
        def __init__(self) -> None:
            attempts.append(1)
            if len(attempts) == 1:
                message = "first"
                raise OSError(message)

    registry.register("flaky", Flaky)
    with pytest.raises(OSError, match="first"):
        registry.get_or_create("flaky")
    assert registry.get_or_create("flaky") is registry.get_or_create("flaky")
    assert len(attempts) == 2


@pytest.mark.parametrize(
    ("value", "possible", "expected"),
    [
        ("polar", ["polars", "spark"], " Did you mean 'polars'?"),
        ("POLARS", ["polars", "spark"], " Did you mean 'polars'?"),
        ("Baseurl", ["BaseURL"], " Did you mean 'BaseURL'?"),
        ("pandas", ["spark"], ""),
        ("polars", [], ""),
    ],
)
def test_did_you_mean(value: str, possible: list[str], expected: str) -> None:
    assert did_you_mean(value, possible) == expected


def test_listed() -> None:
    assert listed(["b", "a"]) == "b, a"
    assert listed([]) == "none"
