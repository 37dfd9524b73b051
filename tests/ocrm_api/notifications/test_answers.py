"""What a robot answers counts as a whole: in pieces, byte by byte, cut short, or without an end."""

from typing import Any

import pytest
from pydantic import SecretStr

from tests.ocrm_api.notifications.conftest import SECRET, Desk
from tests.ocrm_api.notifications.receivers import dripping, in_pieces

REFUSED = b'{"errcode": 45009, "errmsg": "too often"}'
TAKEN = b'{"errcode": 0, "errmsg": "ok"}'
OK = b"HTTP/1.1 200 OK\r\n"


def sized(body: bytes) -> bytes:
    """The head of an answer with this body."""
    return OK + f"Content-Length: {len(body)}\r\n\r\n".encode()


def chunked(*parts: bytes) -> list[bytes]:
    """An answer in chunks, each a piece."""
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b"")]
    return [OK + b"Transfer-Encoding: chunked\r\n\r\n", *chunks]


def robot(port: int, **given: Any) -> dict[str, Any]:
    """Settings of a robot of WeCom on this machine."""
    return {
        "channel": "wecom", "wecom_url": SecretStr(f"http://127.0.0.1:{port}/send?key=1"),
        "webhook_secret": SecretStr(SECRET), **given,
    }  # fmt: skip


def bytewise(whole: bytes) -> list[bytes]:
    """A piece for each byte."""
    return [whole[at : at + 1] for at in range(len(whole))]


@pytest.mark.parametrize(("body", "outcome"), [(REFUSED, "put_off"), (TAKEN, "sent")])
@pytest.mark.parametrize(
    "answer",
    [
        lambda body: [sized(body), body],
        lambda body: [sized(body) + body[:10], body[10:]],
        lambda body: [sized(body), *bytewise(body)],
        lambda body: [OK + b"\r\n", body[:10], body[10:]],
        lambda body: chunked(body[:1], body[1:20], body[20:]),
    ],
    ids=["head-body", "two", "bytes", "until-closed", "chunks"],
)
def test_an_answer_in_pieces_is_read_whole(
    desk: Desk, answer: Any, body: bytes, outcome: str
) -> None:
    desk.bank.raise_reminder(4, "R01.LARGE_OUTFLOW")
    with in_pieces(answer(body)) as port:
        assert desk.turn(**robot(port, timeout_seconds=30.0)).outcomes == {outcome: 1}


@pytest.mark.parametrize(
    "pieces", [[sized(TAKEN) + TAKEN[:10]], [sized(TAKEN)], chunked(TAKEN)[:2]],
    ids=["half", "none", "chunks"],
)  # fmt: skip
def test_an_answer_that_is_cut_short_says_nothing(desk: Desk, pieces: list[bytes]) -> None:
    desk.bank.raise_reminder(4, "R01.LARGE_OUTFLOW")
    with in_pieces(pieces) as port:
        assert desk.turn(**robot(port)).outcomes == {"put_off": 1}
    [(reason,)] = desk.bank.execute("select reason from ocrm.notifications")
    assert "IncompleteRead" in reason


def test_a_body_that_never_ends_is_cut_off_in_time(desk: Desk) -> None:
    desk.bank.raise_reminder(4, "R01.LARGE_OUTFLOW")
    with dripping(sized(b"0" * 60_000), b"{") as port:
        assert desk.turn(**robot(port, timeout_seconds=0.5)).outcomes == {"put_off": 1}


def test_of_a_long_answer_only_the_beginning_is_read(desk: Desk) -> None:
    desk.bank.raise_reminder(4, "R01.LARGE_OUTFLOW")
    with in_pieces([sized(b"0" * 10**9), b"<p>" * 30_000]) as port:
        assert desk.turn(**robot(port)).outcomes == {"sent": 1}


def test_the_status_of_a_refusal_is_told_whatever_becomes_of_its_body(desk: Desk) -> None:
    desk.bank.raise_reminder(4, "R01.LARGE_OUTFLOW")
    with in_pieces([b"HTTP/1.1 503 no\r\nContent-Length: 100\r\n\r\n"]) as port:
        assert desk.turn(**robot(port)).outcomes == {"put_off": 1}
    [(reason,)] = desk.bank.execute("select reason from ocrm.notifications")
    assert reason == "The receiver answered 503; its log says why."
