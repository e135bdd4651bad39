"""The port that people come to: taken by a socket of our own, so that whoever cannot have it says why."""

import errno
import os
import socket

BACKLOG = 4096


class PortIsTaken(Exception):
    """Somebody else listens there; the message says how to choose another port."""


class AddressIsWrong(Exception):
    """Nobody can listen there; the message says why."""


def sockets_on(host: str, port: int, *, otherwise: str) -> list[socket.socket]:
    """Listens on every address of this machine that ``host`` names; ``otherwise`` is how to choose another port.

    Raises PortIsTaken, AddressIsWrong; nothing listens then.
    """
    made: list[socket.socket] = []
    missing = f"This machine has no address {host}. Mend HELPR_HOST."
    try:
        for family, address in _addresses(host, port):
            try:
                made.append(socket.create_server(address, family=family, backlog=BACKLOG))
            except OSError as error:
                # A name may stand for an address that this machine does not have, such as ::1 for localhost.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
    except OSError as error:
        for one in made:
            one.close()
        if error.errno == errno.EADDRINUSE:
            raise PortIsTaken(f"Something else listens on {host}:{port}. Use another port: {otherwise}") from None
        why = missing if isinstance(error, socket.gaierror) else _why(host, port, error)
        raise AddressIsWrong(why) from None
    if not made:
        raise AddressIsWrong(missing)
    return made


def _addresses(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, (str(where[0]), port)) for family, _, _, _, where in found))


def _why(host: str, port: int, error: OSError) -> str:
    return f"Helpr cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}."
