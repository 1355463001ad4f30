"""What the README tells people to type is understood, and what it names exists."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tickmux_server.cli.arguments import parse
from tickmux_server.config import load_config

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    blocks = [line.removeprefix("$ ") for line in README.splitlines() if line.startswith("$ tickmux ")]
    return sorted({*blocks, *re.findall(r"`(tickmux [a-z][^`]*)`", README)})


@pytest.mark.parametrize("command", commands())
def test_every_command_is_understood(command: str) -> None:
    assert parse(shlex.split(command)[1:], "0").command


def test_the_configuration_file_works(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "tickmux.toml"
    file.write_text(example, encoding="utf-8")
    config = load_config(file, {}, {})
    assert sorted(config.sources) == sorted(tomllib.loads(example)["sources"])


def test_the_variables_work() -> None:
    found = re.findall(r"`(TICKMUX_\w+)=(\S+?)`", README)
    assert len(found) >= 2
    assert load_config(None, dict(found), {}).listen == dict(found)["TICKMUX_LISTEN"]


def test_the_python_example_compiles() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    compile(example, "README.md", "exec")


@pytest.mark.parametrize(
    "target", re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"^\| `(\w+)/`", README, re.MULTILINE)
)
def test_every_link_and_folder_exists(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize("target", re.findall(r"(?m)(?:^|`)make ([a-z]+)", README))
def test_every_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
