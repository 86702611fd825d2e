"""Bluetooth without a radio: boards and hosts meet in an ether, a process that holds a controller for each.

board: `bluetooth` module ─ radio (supervisor) ─┐
                                                ├─ ether: GATT server, controllers, paced links (bumble)
host:  bleak ─ backend ─ host stack (bumble) ───┘

A board's radio says when a connection event is due, on the board's own clock; the ether moves no packet
otherwise. So a link is as fast as a radio, and a board on a free clock waits for the program at the far end.
"""
