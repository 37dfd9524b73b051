"""Personal data at rest, in logs and on screens."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_shared.errors import ContractError, UsageError
from crm_shared.logging import mask_personal_data
from crm_shared.personal_data import Protector, mask

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()


@given(st.text())
def test_what_was_encrypted_comes_back(value: str) -> None:
    protector = Protector(KEY)
    assert protector.decrypt(protector.encrypt(value)) == value


def test_encryption_repeats_so_that_a_batch_can_be_repeated() -> None:
    assert Protector(KEY).encrypt("10012345678") == Protector(KEY).encrypt("10012345678")


def test_another_key_cannot_read_it_and_says_so() -> None:
    stored = Protector(KEY).encrypt("10012345678")
    with pytest.raises(ContractError, match="CRM_DATA_KEY"):
        Protector(OTHER_KEY).decrypt(stored)


def test_a_changed_byte_is_noticed() -> None:
    stored = bytearray(Protector(KEY).encrypt("10012345678"))
    stored[-1] ^= 1
    with pytest.raises(ContractError):
        Protector(KEY).decrypt(bytes(stored))


def test_the_blind_index_finds_a_document_number_however_it_is_typed() -> None:
    protector = Protector(KEY)
    assert protector.blind_index(" 99010119900101001x") == protector.blind_index(
        "99010119900101001X"
    )
    assert protector.blind_index("1") != Protector(OTHER_KEY).blind_index("1")


@pytest.mark.parametrize("key", ["", "short", "not base64 at all!"])
def test_a_wrong_key_is_refused_at_once(key: str) -> None:
    with pytest.raises(UsageError, match="32 bytes in base64"):
        Protector(key)


def test_masks_show_who_it_may_be_and_no_more() -> None:
    assert mask("10012345678") == "10*******78"
    assert mask("123") == "***"


@given(st.text(min_size=1, max_size=30))
def test_a_mask_never_shows_more_than_half(value: str) -> None:
    masked = mask(value)
    assert len(masked) == len(value)
    assert masked[len(value) // 4 : len(value) - len(value) // 4].strip("*") == ""


def test_logs_carry_no_personal_data() -> None:
    event = {"event": "customer 99010119900101001X called 10012345678", "phone": "1", "txn_id": 7}
    assert mask_personal_data(None, "info", event) == {
        "event": "customer *** called ***",
        "phone": "***",
        "txn_id": 7,
    }


def _logged(**event: object) -> object:
    return dict(mask_personal_data(None, "info", event))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("客户手机13800138000失败", "客户手机***失败"),
        ("证件99010119900101001X无效", "证件***无效"),
        ("电话:+86-13800138000。", "电话:+86-***。"),
        ("tel.13800138000 and card 6222021234567890123", "tel.*** and card ***"),
        ("手机１３８００１３８０００", "手机***"),
    ],
)
def test_a_number_in_a_text_is_masked_whatever_stands_around_it(text: str, shown: str) -> None:
    assert _logged(event=text) == {"event": shown}


def test_personal_data_is_masked_however_deep_it_lies() -> None:
    assert _logged(d={"phone": "1", "rows": [{"Name": "张三"}, "call 13800138000"]}) == {
        "d": {"phone": "***", "rows": [{"Name": "***"}, "call ***"]}
    }
    assert _logged(args=("13800138000", 13800138000), by={"13800138000": 3}) == {
        "args": ["***", "***"],
        "by": {"***": 3},
    }


def test_a_long_whole_number_is_masked_unless_its_key_says_what_it_is() -> None:
    assert _logged(phone_number=13800138000, customer={"called": 13800138000}) == {
        "phone_number": "***",
        "customer": {"called": "***"},
    }
    readable = {
        "txn_id": 20260701123456,
        "account_id": 62220212345,
        "offset": 12345678901,
        "offsets": {0: 12345678901, 1: 7},
        "size_bytes": 99999999999,
        "sent_at": 1782878400000,
        "records": 2_000,
        "ok": True,
    }
    assert _logged(**readable) == readable


@pytest.mark.parametrize(
    "text",
    [
        "2f1c9a52-7a0e-5f0e-9d0b-745512345678",
        "事件2f1c9a52-7a0e-5f0e-9d0b-745512345678重复",
        "2026-07-01T04:00:00.123456+00:00",
        "took 0.12345678901234 s",
        "digest a12345678901234b",
        "1234567890 records",
    ],
)
def test_ids_and_times_in_a_text_stay_readable(text: str) -> None:
    assert _logged(event=text) == {"event": text}
