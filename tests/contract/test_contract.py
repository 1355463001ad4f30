"""The contract reads well: every comment says something, every number has a unit, and JSON is snake_case."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[2]
FIELD = descriptor_pb2.FieldDescriptorProto

NUMBERS = frozenset(
    {
        FIELD.TYPE_DOUBLE,
        FIELD.TYPE_FLOAT,
        FIELD.TYPE_INT32,
        FIELD.TYPE_INT64,
        FIELD.TYPE_UINT32,
        FIELD.TYPE_UINT64,
        FIELD.TYPE_SINT32,
        FIELD.TYPE_SINT64,
    }
)
UNITS = re.compile(r"\b(units?|shares|milliseconds|seconds|count)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[descriptor_pb2.FileDescriptorProto]:
    """The descriptors with their comments, which generated code does not keep."""
    image = tmp_path_factory.mktemp("contract") / "image.binpb"
    protos = [str(path.relative_to(ROOT / "proto")) for path in sorted((ROOT / "proto").rglob("*.proto"))]
    command = [sys.executable, "-m", "grpc_tools.protoc", "--proto_path=proto", "--include_source_info"]
    subprocess.run([*command, f"--descriptor_set_out={image}", *protos], cwd=ROOT, check=True)
    return list(descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes()).file)


def elements(file: descriptor_pb2.FileDescriptorProto) -> list[tuple[tuple[int, ...], str, FIELD | None]]:
    """(path, name, field or None) of all that can carry a comment."""
    found: list[tuple[tuple[int, ...], str, FIELD | None]] = []
    for index, message in enumerate(file.message_type):
        found.append(((4, index), message.name, None))
        found += [
            ((4, index, 2, number), f"{message.name}.{field.name}", field) for number, field in enumerate(message.field)
        ]
    for index, enum in enumerate(file.enum_type):
        found.append(((5, index), enum.name, None))
        found += [((5, index, 2, number), value.name, None) for number, value in enumerate(enum.value)]
    for index, service in enumerate(file.service):
        found.append(((6, index), service.name, None))
        found += [((6, index, 2, number), method.name, None) for number, method in enumerate(service.method)]
    return found


def commented(file: descriptor_pb2.FileDescriptorProto) -> list[tuple[str, str, FIELD | None]]:
    comments = {tuple(location.path): location.leading_comments.strip() for location in file.source_code_info.location}
    return [(name, comments.get(path, ""), field) for path, name, field in elements(file)]


def words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return {word.lower().rstrip("s") for word in re.findall(r"[A-Za-z]+", spaced)}


FILLER = words("a an the of this that it is its in for to and or by with")
FILLER |= words("field value message enum rpc request response get list")


def test_every_comment_says_more_than_the_name(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    silent = [
        f"{name}: {comment!r}"
        for file in files
        for name, comment, _ in commented(file)
        if len(words(comment) - words(name) - FILLER) < 2
    ]
    assert silent == []


def test_the_check_itself_catches_a_comment_that_repeats_the_name() -> None:
    assert not words("The bid price of the quote.") - words("Quote.bid_price") - FILLER
    assert len(words("Best bid, in units of the quote currency.") - words("Quote.bid_price") - FILLER) >= 2


def test_every_number_names_its_unit_or_is_a_count(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    bare = [
        f"{name}: {comment!r}"
        for file in files
        for name, comment, field in commented(file)
        if field is not None and field.type in NUMBERS and not UNITS.search(comment)
    ]
    assert bare == []


def test_json_has_the_names_of_the_contract(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    camel = [
        f"{message.name}.{field.name}: {field.json_name}"
        for file in files
        for message in file.message_type
        for field in message.field
        if field.json_name != field.name
    ]
    assert camel == []


def test_every_file_names_its_packages_in_other_languages(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    for file in files:
        assert file.package == "tickmux.v1"
        assert file.options.go_package == "github.com/tickmux/tickmux/generated/go/tickmux/v1;tickmuxv1"
        assert file.options.java_package == "io.tickmux.v1"
        assert file.options.java_multiple_files


def test_the_unified_view_keeps_its_tags_and_its_order(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    (quote,) = (message for file in files for message in file.message_type if message.name == "Quote")
    assert [(field.number, field.name) for field in quote.field[:8]] == [
        (1, "symbol"),
        (2, "type"),
        (3, "exchange"),
        (4, "last_price"),
        (5, "volume"),
        (6, "bid_price"),
        (7, "ask_price"),
        (8, "timestamp"),
    ]


def test_prices_and_sizes_can_be_absent(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    doubles = [
        (f"{message.name}.{field.name}", field.proto3_optional)
        for file in files
        for message in file.message_type
        for field in message.field
        if field.type == FIELD.TYPE_DOUBLE
    ]
    assert doubles
    assert [name for name, optional in doubles if not optional] == []
