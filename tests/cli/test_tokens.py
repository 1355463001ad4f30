"""`tickmux token` as a process: what it prints where, what it writes, and what it refuses."""

import json
import re
from pathlib import Path

import pytest
from tests.cli.commands import in_shell, run
from tests.server.access.guarded import LONG_AGO, Keys

from tickmux_server.access import tokens
from tickmux_server.access.token_file import TokenFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.jsonl"


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def names_beside(file: Path) -> list[str]:
    return [other.name for other in file.parent.iterdir()]


def is_there(file: Path) -> bool:
    return file.exists()


def let_all_write(file: Path) -> None:
    file.chmod(0o666)


async def test_a_token_is_printed_once_and_alone_and_the_file_holds_its_hash(file: Path) -> None:
    rights = ("--sources", "kraken,Binance", "--expires", "30d", "--streams-max", "2", "--names-max", "9")
    outcome = await run("token", "add", "desk-7", *rights, "--tokens", str(file))
    assert outcome.code == 0
    token = outcome.stdout.removesuffix("\n")
    assert tokens.TOKEN.fullmatch(token)
    assert token not in outcome.stderr
    assert "TICKMUX_TOKEN" in outcome.stderr
    assert str(file) in outcome.stderr
    assert token.removeprefix("tickmux_") not in text_of(file)
    (record,) = TokenFile(file).read()
    assert (record.name, record.hash) == ("desk-7", tokens.hash_of(token))
    assert (record.sources, record.streams_max, record.names_max) == (["kraken", "binance"], 2, 9)
    assert record.created_at is not None
    assert record.expires_at is not None
    assert (record.expires_at - record.created_at).days == 30


async def test_the_list_tells_states_and_neither_tokens_nor_hashes(file: Path) -> None:
    made = [(await run("token", "add", name, TICKMUX_TOKENS=str(file))).stdout for name in ("desk", "left", "late")]
    await run("token", "revoke", "left", TICKMUX_TOKENS=str(file))
    keys = Keys(file.parent, begin=False)
    keys.alter("late", expires_at=LONG_AGO)
    listed = await run("token", "list", "--tokens", str(file))
    lines = listed.stdout.splitlines()
    assert lines[0].split() == ["NAME", "STATE", "EXPIRES", "STREAMS", "NAMES", "MADE", "SOURCES"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["desk", "valid", "never"],
        ["left", "revoked", "never"],
        ["late", "expired", "2020-01-01T00:00:00Z"],
    ]
    printed = await run("token", "list", "--json", "--tokens", str(file))
    records = json.loads(printed.stdout)["tokens"]
    assert [record["state"] for record in records] == ["valid", "revoked", "expired"]
    assert records[1]["revoked_at"] is not None
    for output in (listed.stdout, printed.stdout):
        assert not any(token.strip() in output for token in made)
        assert not re.search(r"sha256|[0-9a-f]{64}", output)


async def test_a_revoked_name_may_be_given_again_and_a_valid_one_may_not(file: Path) -> None:
    first = await run("token", "add", "desk", "--tokens", str(file))
    refused = await run("token", "add", "desk", "--tokens", str(file))
    assert (refused.code, refused.stdout) == (1, "")
    assert "there is a token 'desk' already: choose another name, or revoke that one" in refused.stderr
    assert (await run("token", "revoke", "desk", "--tokens", str(file))).code == 0
    again = await run("token", "revoke", "desk", "--tokens", str(file))
    assert (again.code, again.stdout) == (0, "")
    second = await run("token", "add", "desk", "--tokens", str(file))
    assert second.code == 0
    (record,) = TokenFile(file).read()
    assert record.hash == tokens.hash_of(second.stdout.strip()) != tokens.hash_of(first.stdout.strip())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "a b"], 2, "'a b' is no name for a token"),
        (["add", "a", "--expires", "tomorrow"], 2, "--expires: 'tomorrow' is no time: write 30d"),
        (["add", "a", "--expires", "2020-01-01T00:00:00Z"], 2, "is not in the future"),
        (["add", "a", "--sources", "kraken,,"], 2, "--sources: "),
        (["add", "a", "--streams-max", "0"], 2, "--streams-max must be from 1 to 1000000, was 0"),
        (["add", "a", "--names-max", "-1"], 2, "--names-max must be from 1 to 1000000, was -1"),
        (["add", "a", "--names-max", "1000001"], 2, "--names-max must be from 1 to 1000000, was 1000001"),
        (["revoke", "dsk"], 1, "there is no token 'dsk' in {file}; did you mean desk?"),
        (["revoke", "zzzz"], 1, "`tickmux token list` tells which there are"),
    ],
)
async def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    file: Path, arguments: list[str], code: int, said: str
) -> None:
    await run("token", "add", "desk", "--tokens", str(file))
    before = text_of(file)
    outcome = await run("token", *arguments, "--tokens", str(file))
    assert (outcome.code, outcome.stdout) == (code, "")
    assert said.format(file=file) in outcome.stderr
    assert outcome.stderr.startswith("tickmux token: ")
    assert outcome.stderr.count("\n") == 1
    assert text_of(file) == before


@pytest.mark.parametrize("action", [["list"], ["revoke", "desk"]])
async def test_an_absent_file_is_told_with_how_to_name_it(file: Path, action: list[str]) -> None:
    outcome = await run("token", *action, "--tokens", str(file))
    assert outcome.code == 1
    assert "cannot be read: No such file or directory; name the server's file with --tokens" in outcome.stderr
    assert not is_there(file)


async def test_a_file_that_others_can_write_is_neither_read_nor_changed(file: Path) -> None:
    await run("token", "add", "desk", "--tokens", str(file))
    let_all_write(file)
    for action in (["list"], ["add", "b"], ["revoke", "desk"]):
        outcome = await run("token", *action, "--tokens", str(file))
        assert outcome.code == 1
        assert "chmod 600" in outcome.stderr


async def test_the_file_is_found_as_the_server_finds_it(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.jsonl" for name in ("flag", "alias", "variable", "config", "variable-config")]
    flag, alias, variable, named, elsewhere = files
    configs = []
    for file in (named, elsewhere):
        configs.append(tmp_path / f"{file.stem}.toml")
        configs[-1].write_text(f'tokens = "{file}"\n', encoding="utf-8")
    for arguments, variables, file in (
        (["--tokens", str(flag)], {"TICKMUX_TOKENS": str(variable), "TICKMUX_CONFIG": str(configs[1])}, flag),
        (["--file", str(alias)], {"TICKMUX_TOKENS": str(variable)}, alias),
        (["--config", str(configs[0])], {"TICKMUX_TOKENS": str(variable)}, variable),
        (["--config", str(configs[0])], {"TICKMUX_CONFIG": str(configs[1])}, named),
        ([], {"TICKMUX_CONFIG": str(configs[1])}, elsewhere),
    ):
        assert not is_there(file)
        outcome = await run("token", "add", "desk", *arguments, **variables)
        assert (outcome.code, is_there(file)) == (0, True), outcome.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [("tokens = 1\n", "tokens: expected a text in quotes"), ("tokens =", "is not TOML")],
)
async def test_a_configuration_that_cannot_be_read_is_told(tmp_path: Path, content: str, said: str) -> None:
    config = tmp_path / "tickmux.toml"
    config.write_text(content, encoding="utf-8")
    outcome = await run("token", "list", "--config", str(config))
    assert (outcome.code, outcome.stderr.count("\n")) == (2, 1)
    assert f"tickmux token: {config}: " in outcome.stderr
    assert said in outcome.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
@pytest.mark.parametrize("before", ["exec >/dev/full", "exec >&-", "exec > >(true); wait $!"])
async def test_a_token_that_nobody_has_seen_is_not_in_force(file: Path, before: str) -> None:
    await run("token", "add", "desk", "--tokens", str(file))
    held = text_of(file)
    outcome = await in_shell(f'{before}; "$PYTHON" -m tickmux_server.cli token add b --tokens {file}')
    assert outcome.code == 1
    assert outcome.stderr.startswith("tickmux token: no token was made, since nobody would have seen it: stdout ")
    assert outcome.stderr.count("\n") == 1
    assert text_of(file) == held
    assert names_beside(file) == [file.name]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, where nobody can make a file")
async def test_a_token_that_cannot_be_kept_is_not_shown() -> None:
    outcome = await run("token", "add", "desk", "--tokens", "/proc/tokens.jsonl")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("tickmux token: /proc/tokens.jsonl: cannot be written: ")
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize("action", ["add", "list", "revoke"])
async def test_every_action_has_help_with_examples(action: str) -> None:
    outcome = await run("token", action, "--help")
    assert outcome.code == 0
    assert f"  tickmux token {action}" in outcome.stdout.partition("examples:")[2]


async def test_without_an_action_the_usage_is_shown() -> None:
    outcome = await run("token")
    assert outcome.code == 2
    assert "usage: tickmux token" in outcome.stderr
