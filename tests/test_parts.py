"""Swappable parts: found by name, by entry point and by path; their settings converted or refused."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal

import pytest

from wsrnas import parts
from wsrnas.errors import InputError
from wsrnas.parts import PartConfig, Parts


class Shape(ABC):
    """What the parts of this test have in common."""

    @abstractmethod
    def area(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class Square(Shape):
    side: float = 1.0
    levels: tuple[float, ...] = (0.1, 0.2)
    kind: Literal["filled", "empty"] = "filled"
    count: int = 1
    closed: bool = True
    colour: str | None = None

    def area(self) -> float:
        return self.side**2


class Disc(Shape):
    def __init__(self, *, scale: float, radius: float) -> None:
        self.scale, self.radius = scale, radius

    def area(self) -> float:
        return 3.0 * self.scale * self.radius**2


@pytest.fixture
def shapes() -> Parts[Shape]:
    return Parts(Shape, "shapes", [("square", Square), ("disc", Disc)])


def test_settings_are_converted_by_their_annotations(shapes: Parts[Shape]) -> None:
    settings = {"side": "8/255", "levels": "0.1,0.3", "kind": "empty", "count": 3, "closed": False, "colour": "red"}
    built = shapes.build(PartConfig(name="square", settings=settings), argument="shape")
    assert built == Square(side=8 / 255, levels=(0.1, 0.3), kind="empty", count=3, closed=False, colour="red")
    assert shapes.build(PartConfig(name="square", settings={"side": 2, "colour": None}), argument="s") == Square(
        side=2.0
    )


def test_what_the_caller_hands_over_is_no_setting(shapes: Parts[Shape]) -> None:
    built = shapes.build(PartConfig(name="disc", settings={"radius": 2}), argument="shape", scale=0.5, unused=1)
    assert built.area() == 6.0
    assert list(shapes.settings("disc", argument="shape", given=["scale"])) == ["radius"]
    with pytest.raises(InputError, match=r"shape\.settings\.scale: expected a setting of 'disc' \(radius\)"):
        shapes.build(PartConfig(name="disc", settings={"radius": 2, "scale": 3}), argument="shape", scale=0.5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sidee": 1}, r"shape\.settings\.sidee: expected a setting of 'square' .*did you mean 'side'"),
        ({"side": "wide"}, r"shape\.settings\.side: expected a radius such as 8/255"),
        ({"side": True}, r"expected a number, got True"),
        ({"count": 1.5}, r"expected a whole number, got 1\.5"),
        ({"closed": 1}, r"expected true or false, got 1"),
        ({"kind": "full"}, r"expected one of filled, empty, got 'full'"),
        ({"levels": "0.3,0.1"}, r"expected strictly ascending strengths"),
        ({"colour": 3}, r"expected text, got 3"),
    ],
)
def test_settings_that_do_not_fit_are_refused(shapes: Parts[Shape], settings: dict[str, Any], message: str) -> None:
    config = PartConfig(name="square", settings=settings)
    with pytest.raises(InputError, match=message):
        shapes.build(config, argument="shape")
    with pytest.raises(InputError, match=message):
        shapes.check(config, argument="shape")


def test_a_needed_setting_and_an_unknown_name(shapes: Parts[Shape]) -> None:
    with pytest.raises(InputError, match=r"shape\.settings\.radius: expected a value, which 'disc' needs, got none"):
        shapes.build(PartConfig(name="disc"), argument="shape", scale=1.0)
    with pytest.raises(
        InputError, match=re.escape("did you mean 'square'?; a class of your own goes as package.module")
    ):
        shapes.kind("squares", argument="shape")


def test_a_class_from_anywhere(shapes: Parts[Shape], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users_shapes.py").write_text(
        "import builtins\nBase = builtins.shape_of_the_test\n"
        "class Line(Base):\n    def __init__(self, *, length: float = 2.0): self.length = length\n"
        "    def area(self): return 0.0\n"
        "class Unfinished(Base): pass\n"
        "number = 3\n"
    )
    (tmp_path / "users_exit.py").write_text("import sys\nsys.exit('no arguments given')\n")
    monkeypatch.setattr("builtins.shape_of_the_test", Shape, raising=False)
    built: Any = shapes.build(PartConfig(name="users_shapes:Line", settings={"length": 3}), argument="shape")
    assert built.length == 3.0
    for name, message in (
        ("users_shapes:Unfinished", "got users_shapes:Unfinished without area"),
        ("users_shapes:number", "expected a subclass of .*Shape, got users_shapes:number, a int"),
        ("users_shapes:Lin", "something named 'Lin' in users_shapes, got none; did you mean 'Line'"),
        ("users_exit:Any", "cannot import users_exit .SystemExit: no arguments given"),
        ("nowhere_at_all:Any", "cannot import nowhere_at_all"),
    ):
        with pytest.raises(InputError, match=message):
            shapes.kind(name, argument="shape")


def test_a_class_that_an_installed_package_announces(shapes: Parts[Shape], monkeypatch: pytest.MonkeyPatch) -> None:
    announced = EntryPoint(name="dot", value="collections:OrderedDict", group="wsrnas.shapes")

    broken = EntryPoint(name="gone", value="nowhere_at_all:Shape", group="wsrnas.shapes")

    def found(*, group: str) -> list[EntryPoint]:
        return [announced, broken] if group == "wsrnas.shapes" else []

    monkeypatch.setattr(parts, "entry_points", found)
    assert shapes.names() == ("square", "disc", "dot", "gone")
    message = r"shape: cannot load 'gone' from nowhere_at_all:Shape \(ModuleNotFoundError.*remove the package"
    with pytest.raises(InputError, match=message):
        shapes.kind("gone", argument="shape")
    with pytest.raises(InputError, match="expected a subclass of .*Shape, got dot, another class"):
        shapes.kind("dot", argument="shape")


def test_a_name_from_a_file_imports_nothing(
    shapes: Parts[Shape], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files_shapes.py").write_text("raise SystemExit('a module was run because a file named it')\n")
    with pytest.raises(
        InputError, match=r"shape: expected a name this installation knows, .*add --import files_shapes"
    ):
        shapes.kind("files_shapes:Line", argument="shape", imports=False)
    assert shapes.kind(f"{__name__}:Square", argument="shape", imports=False) is Square
