"""Messages: what the layouts allow and refuse."""

import pytest

from midge_device.wire import message


def test_no_type_is_an_interrupt_character():
    assert 0x03 not in message.LAYOUTS
    assert 0x03 not in message.HELLO_FRAME


def test_every_type_has_a_name_and_a_layout():
    types = {value for name, value in vars(message).items() if name in message.NAMES.values()}
    assert types == set(message.NAMES) == set(message.LAYOUTS)


def test_codes_are_named():
    assert {name: getattr(message, name) for name in message.CODES.values()} == {
        name: code for code, name in message.CODES.items()
    }


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (message.STREAM_START, bytes(9)),
        (message.STREAM_START, bytes(11)),
        (message.BEAT, b"x"),
        (message.PUSH_CHUNK, bytes(3)),
        (message.DATA, bytes(12)),
    ],
)
def test_a_payload_that_does_not_fit_is_refused(kind, payload):
    with pytest.raises(ValueError, match=message.NAMES[kind]):
        message.unpack(kind, payload)


def test_an_unknown_type_is_a_key_error():
    with pytest.raises(KeyError):
        message.unpack(0x7F, b"")


def test_a_tail_where_none_belongs_is_refused():
    with pytest.raises(ValueError, match="STATUS"):
        message.pack(message.STATUS, 1, 2, 3, 4, 5, 6, tail=b"x")
