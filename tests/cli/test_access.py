"""Keys and TLS from the command line to a server process and back: every asking command, every way to be wrong."""

import asyncio
import contextlib
import itertools
import json
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.commands import LIMIT_S, Outcome, finish, run, start
from tests.e2e.processes import VenueProcess, free_port
from tests.server.access import raw_http2
from tests.server.access.certificates import Authority, Pair
from tests.server.access.guarded import Keys

ASKING = (
    ("snapshot", "--json"),
    ("sources", "--json"),
    ("instruments", "--json"),
    ("health",),
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@dataclass
class Server:
    process: Process
    target: str
    log: list[str]
    authority: Authority | None
    reading: "asyncio.Task[None]"

    async def ask(self, *arguments: str, **variables: str) -> Outcome:
        trusted = {"TICKMUX_CA": str(self.authority.certificate)} if self.authority else {}
        return await run(*arguments, "--target", self.target, **trusted | variables)

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(LIMIT_S):
            await self.process.wait()
            await self.reading


@contextlib.asynccontextmanager
async def serving(
    folder: Path, authority: Authority | None, *arguments: str, **variables: str
) -> AsyncIterator[Server]:
    """`tickmux serve` for one simulated venue; what it writes is kept, at the level that tells most."""
    files: tuple[str, ...] = ()
    if authority is not None:
        pair = authority.sign("server")
        files = ("--tls-certificate", str(pair.certificate), "--tls-key", str(pair.key))
    venue = VenueProcess("kraken", free_port())
    await venue.start()
    config = folder / "tickmux.toml"
    config.write_text(
        '[sources.kraken]\nadapter = "kraken"\n'
        f'websocket_url = "{venue.websocket_url}"\nrest_url = "{venue.rest_url}"\n'
    )
    serve = ("serve", "--config", str(config), "--listen", "127.0.0.1:0", "--log-level", "debug")
    process = await start(*serve, *files, *arguments, **variables)
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        said = re.search(r" on (127\.0\.0\.1:\d+); ", (await process.stdout.readline()).decode())
    assert said
    log: list[str] = []

    async def read() -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            log.append(line.decode())

    server = Server(process, said[1], log, authority, asyncio.create_task(read()))
    try:
        yield server
    finally:
        await server.stop()
        await venue.stop()


async def first_line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        return (await process.stdout.readline()).decode()


async def test_every_asking_command_gets_in_with_a_token_and_not_without(tmp_path: Path, authority: Authority) -> None:
    keys = Keys(tmp_path)
    token = keys.add("desk")
    token_file = tmp_path / "desk.token"
    token_file.write_text(f"{token}\n")
    wrong = "tickmux_" + "A" * 43
    async with serving(tmp_path, authority, "--tokens", str(keys.file.path)) as server:
        for command, *options in ASKING:
            right, by_file, none, refused = await asyncio.gather(
                server.ask(command, *options, TICKMUX_TOKEN=token),
                server.ask(command, *options, "--token-file", str(token_file), TICKMUX_TOKEN=wrong),
                server.ask(command, *options),
                server.ask(command, *options, TICKMUX_TOKEN=wrong),
            )
            assert (right.code, by_file.code) == (0, 0), right.stderr + by_file.stderr
            assert (none.code, none.stdout, refused.code, refused.stdout) == (1, "", 1, "")
            assert none.stderr == (
                f"tickmux {command}: the server at {server.target} asks for a token: set TICKMUX_TOKEN, or name a file "
                "that holds it with --token-file; `tickmux token add NAME`, beside the server, makes one\n"
            )
            assert "does not take this token: it is unknown there, expired or revoked" in refused.stderr
            assert refused.stderr.count("\n") == 1
            assert wrong not in refused.stderr
        process = await start(
            *("watch", "--json", "--target", server.target),
            TICKMUX_CA=str(authority.certificate),
            TICKMUX_TOKEN_FILE=str(token_file),
        )
        assert json.loads(await first_line(process))["source"] == "kraken"
        revoked = await run("token", "revoke", "desk", "--tokens", str(keys.file.path))
        assert revoked.code == 0
        outcome = await finish(process)
        assert outcome.code == 1
        assert "the token 'desk' of this stream was revoked" in outcome.stderr
        assert "Traceback" not in outcome.stderr
        await server.stop()
    log = "".join(server.log)
    assert "token desk was revoked, which ends 1 stream" in log
    assert re.search(r"refused (1 call|\d+ calls) without a token in force", log)
    secret = token.removeprefix("tickmux_")
    assert secret not in log
    assert wrong.removeprefix("tickmux_") not in log
    (record,) = keys.file.read()
    assert record.hash.removeprefix("sha256:") not in log
    assert "Traceback" not in log


async def test_bytes_that_are_no_text_bring_neither_a_token_nor_themselves_into_the_log(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    token = keys.add("desk").encode()
    async with serving(tmp_path, None, "--tokens", str(keys.file.path)) as server:
        for path, sent in (
            (b"/tickmux.v1.MarketDataService/GetSnapshot", b"Bearer \xff" + token),
            (b"/\xff" + token, b""),
        ):
            answer = await raw_http2.request(server.target, path, (b"authorization", sent))
            assert answer.messages == 0
        assert (await server.ask("health", TICKMUX_TOKEN=token.decode())).code == 0
        await server.stop()
    log = "".join(server.log)
    assert "listening on" in log
    assert token.decode().removeprefix("tickmux_") not in log
    assert "Traceback" not in log
    assert "Invalid encoding" not in log


async def test_a_token_in_clear_text_stays_on_this_machine() -> None:
    outcome = await run("health", "--target", "quotes.example:50051", TICKMUX_TOKEN="tickmux_" + "A" * 43)
    assert outcome.code == 2
    assert outcome.stderr == (
        "tickmux health: the token would travel to another machine in clear text: encrypt with --tls or --ca FILE, or "
        "accept that with --insecure\n"
    )


async def test_encryption_that_cannot_work_is_one_line_that_says_why(tmp_path: Path, authority: Authority) -> None:
    stranger = Authority(tmp_path, "stranger")
    client = authority.sign("client")
    pair = ("--certificate", str(client.certificate), "--key", str(client.key))
    async with serving(tmp_path, authority, "--tls-client-ca", str(authority.certificate)) as server:
        assert (await server.ask("health", *pair)).code == 0
        intruder = stranger.sign("intruder")
        cases: tuple[tuple[tuple[str, ...], dict[str, str], str], ...] = (
            ((), {"TICKMUX_CA": ""}, "if it speaks TLS, add --ca FILE or --tls"),
            ((*pair, "--ca", str(stranger.certificate)), {}, "its certificate cannot be trusted"),
            (("--tls",), {"TICKMUX_CA": ""}, "its certificate cannot be trusted"),
            ((*pair, "--server-name", "quotes.example"), {}, "its certificate is for another name"),
            ((), {}, "it may want a client certificate (--certificate and --key)"),
            (
                ("--certificate", str(intruder.certificate), "--key", str(intruder.key)),
                {},
                "it may not trust this client certificate",
            ),
            (
                ("--certificate", str(intruder.certificate), "--key", str(client.key)),
                {},
                "--key must be the key of --certificate",
            ),
        )
        for command, (arguments, variables, said) in zip(itertools.cycle(("health", "sources")), cases, strict=False):
            outcome = await server.ask(command, *arguments, **variables)
            assert (outcome.code, outcome.stdout) == (1, "")
            assert said in outcome.stderr
            assert outcome.stderr.count("\n") == 1


async def test_tls_to_a_server_without_it_is_told(authority: Authority) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await run("health", "--target", target, "--ca", str(authority.certificate))
    assert "it speaks clear text: leave --tls and --ca out" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ca", "absent.pem"], "--ca: absent.pem cannot be read: No such file"),
        (["--token-file", "absent"], "--token-file: absent cannot be read: No such file"),
        (["--token-file", "/dev/null"], "--token-file: /dev/null is empty"),
        (["--certificate", "a.pem"], "--certificate and --key go together"),
        (["--ca", "/dev/null"], "--ca: /dev/null holds no certificate in PEM form"),
    ],
)
async def test_wrong_options_are_one_line(arguments: list[str], said: str) -> None:
    outcome = await run("health", *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert said in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def settings(pair: Pair, **changes: str) -> list[str]:
    chosen = {"tls-certificate": str(pair.certificate), "tls-key": str(pair.key)} | changes
    return [part for name, value in chosen.items() if value for part in (f"--{name}", value)]


async def test_serve_refuses_files_that_cannot_work_in_one_line(tmp_path: Path, authority: Authority) -> None:
    pair, other = authority.sign("server"), authority.sign("other")
    writable = tmp_path / "writable.jsonl"
    writable.touch()
    writable.chmod(0o666)
    absent = str(tmp_path / "absent")
    for arguments, said in (
        (settings(pair, **{"tls-certificate": absent}), "tls_certificate: "),
        (settings(pair, **{"tls-key": absent}), "tls_key: "),
        (settings(pair, **{"tls-key": str(other.key)}), "is not the key of"),
        (settings(pair, **{"tls-client-ca": absent}), "tls_client_ca: "),
        (settings(pair, tokens=absent), "tokens: "),
        (settings(pair, tokens=str(writable)), "run chmod 600"),
        (settings(pair, tokens=str(pair.certificate)), "line 1 is no token"),
    ):
        outcome = await run("serve", "--listen", "127.0.0.1:0", "--log-level", "error", *arguments)
        assert (outcome.code, outcome.stdout) == (2, ""), said
        assert outcome.stderr.startswith("tickmux serve: ")
        assert said in outcome.stderr
        assert outcome.stderr.count("\n") == 1


async def test_a_table_needs_a_token_as_everyone_does(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    outcome = await run("serve", "--demo", "--listen", "127.0.0.1:0", "--tokens", str(keys.file.path))
    assert outcome.code == 2
    assert "set TICKMUX_TOKEN, or start with --no-table" in outcome.stderr


async def test_a_table_shows_a_server_with_tls_and_tokens(tmp_path: Path, authority: Authority) -> None:
    keys = Keys(tmp_path)
    token = keys.add("table")
    variables = {"TICKMUX_TOKEN": token, "TICKMUX_CA": str(authority.certificate)}
    async with serving(tmp_path, authority, "--table", "--tokens", str(keys.file.path), **variables) as server:
        assert "connected" in await first_line(server.process)
