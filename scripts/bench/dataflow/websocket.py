"""The little of WebSocket that asking a local control socket needs: text frames of one piece, masked as RFC 6455 asks."""

import base64
import json
import os
import socket
import struct
import uuid


class Control:
    """A connection to `ws://127.0.0.1:PORT/api/control` that is held open."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                f"GET /api/control HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.read()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise OSError(f"no WebSocket: {head.decode()}")

    def read(self):
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise OSError("the control socket was closed")
        return piece

    def take(self, count):
        while len(self.rest) < count:
            self.rest += self.read()
        piece, self.rest = self.rest[:count], self.rest[count:]
        return piece

    def ask(self, params):
        """One request of dora-rs's own protocol, which both runtimes answer."""
        body = json.dumps({"id": str(uuid.uuid4()), "method": "control", "params": params}).encode()
        mask = os.urandom(4)
        length = bytes([0x80 | len(body)]) if len(body) < 126 else struct.pack(">BH", 0x80 | 126, len(body))
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))
        self.socket.sendall(b"\x81" + length + mask + masked)
        while True:
            kind, length = self.take(2)
            if length == 126:
                (length,) = struct.unpack(">H", self.take(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self.take(8))
            body = self.take(length)
            # Pings are not worth an answer in so short a life.
            if kind & 0x0F == 1:
                answer = json.loads(body)
                if "error" in answer:
                    raise OSError(answer["error"])
                return answer["result"]
