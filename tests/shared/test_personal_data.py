"""Personal data at rest, in logs and on screens."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_shared.errors import ContractError, UsageError
from crm_shared.logging import mask_personal_data
from crm_shared.personal_data import Protector, mask, mask_name

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
    assert mask_name("张三丰") == "张**"


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
