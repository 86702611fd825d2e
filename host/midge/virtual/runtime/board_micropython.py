"""`micropython` with ^C under the supervisor's control."""

# mypy: ignore-errors

from micropython import *
import channel


def kbd_intr(character):
    channel.call(channel.KBD_INTR, character)


def alloc_emergency_exception_buf(size):
    pass  # the unix port always has one
