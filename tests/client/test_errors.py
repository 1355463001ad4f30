import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from tests.client.scripted_server import Fail, error_info, rich_status

from tickmux_client import TickmuxClientError, UnavailableError
from tickmux_client._errors import STATUS_DETAILS_KEY, from_rpc


def failure(fail: Fail, details: bytes | None) -> TickmuxClientError:
    trailing = grpc.aio.Metadata() if details is None else grpc.aio.Metadata((STATUS_DETAILS_KEY, details))
    return from_rpc(grpc.aio.AioRpcError(fail.code, grpc.aio.Metadata(), trailing, fail.message), "host:1")


def test_details_of_every_kind_are_read() -> None:
    fail = Fail(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "too many\nstreams",
        [error_details_pb2.RetryInfo(retry_delay=Duration(seconds=2)), error_info("TOO_MANY_STREAMS")],
    )
    error = failure(fail, rich_status(fail).SerializeToString())
    assert isinstance(error, UnavailableError)
    assert (error.reason, error.retry_after_s, error.violations) == ("TOO_MANY_STREAMS", 2.0, {})
    assert str(error) == "RESOURCE_EXHAUSTED from host:1: too many streams"


def test_an_error_of_grpc_itself_has_no_details() -> None:
    error = failure(Fail(grpc.StatusCode.UNAVAILABLE, ""), None)
    assert (error.reason, error.retry_after_s) == ("", None)
    assert str(error) == "UNAVAILABLE from host:1"


def test_why_a_server_cannot_be_reached_comes_first() -> None:
    details = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: {reason}"
    for reason in ("Failed to connect to remote host: Connection refused", "connection attempt timed out"):
        error = failure(Fail(grpc.StatusCode.UNAVAILABLE, details.format(reason=reason)), None)
        assert str(error) == f"UNAVAILABLE from host:1: {reason}"


def test_mangled_details_do_not_hide_the_status() -> None:
    assert failure(Fail(grpc.StatusCode.UNAVAILABLE), b"\xff\xff").code == grpc.StatusCode.UNAVAILABLE
    rich = status_pb2.Status(code=14)
    rich.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff")
    assert failure(Fail(grpc.StatusCode.UNAVAILABLE), rich.SerializeToString()).reason == ""


def test_a_delay_in_the_past_is_none() -> None:
    fail = Fail(grpc.StatusCode.UNAVAILABLE, details=[error_details_pb2.RetryInfo(retry_delay=Duration(seconds=-5))])
    assert failure(fail, rich_status(fail).SerializeToString()).retry_after_s == 0.0
