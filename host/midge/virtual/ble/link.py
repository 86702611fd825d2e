"""A radio link between two controllers: packets wait for connection events, and few go in each.

bumble's own link delivers at once, repeats advertisements as scan responses and tells a peripheral nothing of
the connection's parameters; this one does as a radio does.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bumble import hci, ll
from bumble.controller import Controller, LegacyAdvertiser
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

# Payload of one packet on the air with data length extension (Core 5.4, Vol 6, Part B, §2.4).
AIR_PACKET_BYTES = 251
INTERVAL_UNIT_US = 1250
# Buffers of a board's controller and host together: so many packets wait before ENOMEM.
BOARD_QUEUE_PACKETS = 12
# Strength of a board next to the host, and how much weaker others may be.
_NEAR_DBM = -45
_SPREAD_DB = 30
CONNECTION_TIMEOUT = 0x08  # Vol 1, Part F, §2.8: the other end was not heard of any more

Pdu = tuple[Any, Any, bytes]  # the controllers that send and get it, and what


@dataclass
class Advert(ll.AdvInd):  # type: ignore[misc]
    """An advertisement with what its advertiser would answer to a scan request."""

    scan_response: bytes = b""
    is_connectable: bool = True


class _Advertiser(LegacyAdvertiser):  # type: ignore[misc]
    """Sends advertisements of every undirected type."""

    def send_advertising_data(self) -> None:
        kinds = hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType
        if self.enabled:
            self.controller.send_advertising_pdu(
                Advert(
                    advertiser_address=self.address,
                    data=self.advertising_data,
                    scan_response=self.scan_response_data,
                    is_connectable=self.advertising_type == kinds.ADV_IND,
                )
            )


class _Strength:
    """How strong each advertiser is heard: at its own distance, and a little up and down."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        self._fading_db: dict[hci.Address, int] = {}

    def next_dbm(self, advertiser: hci.Address) -> int:
        """Strength of its next advertisement."""
        fading_db = self._fading_db.get(advertiser, 0) + self._random.choice((-2, -1, 1, 2))
        self._fading_db[advertiser] = fading_db = max(-6, min(6, fading_db))
        return _NEAR_DBM - bytes(advertiser)[0] % _SPREAD_DB + fading_db


class PacedController(Controller):  # type: ignore[misc]
    """A controller whose host hears that a packet is out when it is out, not before."""

    pending_le_connection: Any

    def __init__(self, name: str, link: PacedLink) -> None:
        super().__init__(name, link=link)
        self.le_legacy_advertiser = _Advertiser(self)
        self.le_features &= ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        self.le_acl_data_packet_length = AIR_PACKET_BYTES
        self.interval_us: dict[hci.Address, int] = {}
        self._strength = _Strength()
        self.on_disconnected: Callable[[hci.Address], None] = lambda _peer: None

    def send_hci_packet(self, packet: Any) -> None:
        if not isinstance(packet, hci.HCI_Number_Of_Completed_Packets_Event):
            super().send_hci_packet(packet)

    def completed(self, peer: hci.Address, n_packets: int) -> None:
        """Tell the host that so many of its packets have gone out to `peer`."""
        connection = self.le_connections.get(peer)
        if connection is not None:
            super().send_hci_packet(
                hci.HCI_Number_Of_Completed_Packets_Event(
                    connection_handles=[connection.handle], num_completed_packets=[n_packets]
                )
            )

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        self.interval_us[packet.initiator_address] = packet.interval * INTERVAL_UNIT_US
        super().on_le_connect_ind(packet)

    def on_hci_le_create_connection_cancel_command(self, command: Any) -> Any:
        """A host that waited long enough hears that it gets no connection (Vol 4, Part E, §7.8.13)."""
        pending = self.pending_le_connection
        self.pending_le_connection = None
        if pending is not None:
            ended = hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
            # After the command's own answer.
            asyncio.get_running_loop().call_soon(self.send_hci_packet, ended)
        return super().on_hci_le_create_connection_cancel_command(command)

    def on_ll_control_pdu(self, sender_address: hci.Address, packet: ll.ControlPdu) -> None:
        if isinstance(packet, ll.ConnectionUpdateInd):
            self.interval_us[sender_address] = packet.interval * INTERVAL_UNIT_US
        if self.le_connections.get(sender_address) is not None:  # it may have gone meanwhile
            super().on_ll_control_pdu(sender_address, packet)

    def on_le_disconnected(self, connection: Any, reason: int) -> None:
        peer = connection.peer_address
        super().on_le_disconnected(connection, reason)
        self.interval_us.pop(peer, None)
        self.link.forget(self, peer)
        self.on_disconnected(peer)

    def on_advertising_pdu(self, pdu: Advert) -> None:
        if self.le_scan_enable:
            types = hci.HCI_LE_Advertising_Report_Event.EventType
            kind = types.ADV_IND if pdu.is_connectable else types.ADV_SCAN_IND
            reports = [(kind, pdu.data)]
            if self.le_scan_type == hci.HCI_LE_Set_Scan_Parameters_Command.ACTIVE_SCANNING:
                reports.append((types.SCAN_RSP, pdu.scan_response))
            for event_type, data in reports:
                report = hci.HCI_LE_Advertising_Report_Event.Report(
                    event_type=event_type,
                    address_type=pdu.advertiser_address.address_type,
                    address=pdu.advertiser_address,
                    data=data,
                    rssi=self._strength.next_dbm(pdu.advertiser_address),
                )
                super().send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))
        pending = self.pending_le_connection
        if pending is not None and pdu.is_connectable and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)


@dataclass
class Air:
    """What waits between a board (peripheral) and one central."""

    to_central: deque[Pdu] = field(default_factory=deque)
    to_board: deque[Pdu] = field(default_factory=deque)

    @property
    def has_traffic(self) -> bool:
        return bool(self.to_central or self.to_board)


class PacedLink(LocalLink):  # type: ignore[misc]
    """The air: a queue in each direction of each connection, moved by `connection_event`.

    `on_traffic(board's controller, address of the central)` is called when a queue is no longer empty.
    """

    def __init__(self) -> None:
        super().__init__()
        self._airs: dict[tuple[Controller, hci.Address], Air] = {}
        self.on_traffic: Callable[[PacedController, hci.Address], None] = lambda _board, _central: None

    def send_acl_data(
        self,
        sender_controller: PacedController,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is None or receiver is None:
            return
        is_board = connection.role == hci.Role.PERIPHERAL
        board = sender_controller if is_board else receiver
        central = destination_address if is_board else connection.self_address
        air = self._airs.setdefault((board, central), Air())
        was_quiet = not air.has_traffic
        (air.to_central if is_board else air.to_board).append((sender_controller, receiver, data))
        if was_quiet:
            self.on_traffic(board, central)

    def queued_packets(self, board: Controller, central: hci.Address) -> int:
        """Packets on the air that wait for going from `board` to `central`."""
        air = self._airs.get((board, central))
        return sum(_n_packets(data) for _, _, data in air.to_central) if air else 0

    def has_traffic(self, board: Controller, central: hci.Address) -> bool:
        air = self._airs.get((board, central))
        return air is not None and air.has_traffic

    def connection_event(
        self, board: PacedController, central: hci.Address, most_packets: int, budget: int | None = None
    ) -> int:
        """Move what one event can carry, `most_packets` each way, no more than `budget` in all.

        Returns how many packets went.
        """
        air = self._airs.get((board, central))
        connection = board.le_connections.get(central)
        if air is None or connection is None:
            return 0
        here = connection.self_address
        left = 2 * most_packets if budget is None else budget
        moved = _move(air.to_board, central, here, min(most_packets, left))
        return moved + _move(air.to_central, here, central, min(most_packets, left - moved))

    def forget(self, controller: Controller, peer: hci.Address) -> None:
        """A connection has ended: what waited is lost."""
        for board, central in [*self._airs]:
            if board is controller and central == peer:
                del self._airs[board, central]

    def cut(self, board: PacedController, central: hci.Address) -> None:
        """The radio breaks off: both ends find the other gone."""
        connection = board.le_connections.get(central)
        if connection is None:
            return
        other = self.find_le_controller(central)
        board.on_le_disconnected(connection, CONNECTION_TIMEOUT)
        theirs = other.le_connections.get(connection.self_address) if other is not None else None
        if theirs is not None:
            other.on_le_disconnected(theirs, CONNECTION_TIMEOUT)

    def remove(self, controller: PacedController) -> None:
        """A controller has gone, its process was killed perhaps: the others find its connections broken."""
        for peer, connection in [*controller.le_connections.items()]:
            other = self.find_le_controller(peer)
            controller.on_le_disconnected(connection, CONNECTION_TIMEOUT)
            theirs = other.le_connections.get(connection.self_address) if other is not None else None
            if other is not None and theirs is not None:
                other.on_le_disconnected(theirs, CONNECTION_TIMEOUT)
        controller.le_legacy_advertiser.stop()
        self.remove_controller(controller)


def _n_packets(pdu: bytes) -> int:
    return -(-len(pdu) // AIR_PACKET_BYTES)


def _move(queue: deque[Pdu], source: Any, target: Any, most_packets: int) -> int:
    """Move whole PDUs as long as packets of this event are left; a longer one goes alone."""
    moved = 0
    while queue and moved < most_packets:
        sender, receiver, data = queue[0]
        n = _n_packets(data)
        if moved and moved + n > most_packets:
            break
        queue.popleft()
        moved += n
        loop = asyncio.get_running_loop()
        loop.call_soon(receiver.on_link_acl_data, source, PhysicalTransport.LE, data)
        loop.call_soon(sender.completed, target, n)
    return moved
