"""
A container engine on a local socket that can be right, silent, slow byte by byte, endless, or lie:
`behaviour` names what it does with the next request.
"""

import json
import os
import re
import socket
import threading

ID = "%064x"
RUNNING = ID % 0xc0ffee
OTHER = ID % 0xbad
HOSTILE_NAME = "/\x1b[31mevil\u202e\"\\,\n"


def stats(container, cpu_ns, **changes):
    return {
        "id": container,
        "read": "2026-11-30T12:00:00.0Z",
        "cpu_stats": {"cpu_usage": {"total_usage": cpu_ns},
                      "throttling_data": {"periods": 9, "throttled_time": 7_000_000}},
        "memory_stats": {"usage": 9_000_000, "limit": 64_000_000,
                         "stats": {"inactive_file": 1_000_000, "total_inactive_file": None}},
        "pids_stats": {"current": 5},
        "networks": {"eth0": {"rx_bytes": 100, "tx_bytes": 20},
                     "eth1": {"rx_bytes": 1, "tx_bytes": 2}},
        "blkio_stats": {"io_service_bytes_recursive": [
            {"major": 8, "minor": 0, "op": "read", "value": 4096},
            {"major": 8, "minor": 0, "op": "write", "value": 512},
            {"major": 8, "minor": 16, "op": "Read", "value": 4}]},
        **changes,
    }


class Engine:
    def __init__(self, path):
        self.path = path
        self.behaviour = "right"
        self.containers = [
            {"Id": RUNNING, "Names": ["/web", "/alias"], "Image": "nginx:1.25", "State": "running"},
            {"Id": OTHER, "Names": [HOSTILE_NAME], "Image": "evil/\x1b]0;x\x07", "State": "paused"},
        ]
        self.cpu_ns = 5_000_000_000
        self.asked = []  # paths
        self.not_get = 0
        self.ending = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        """Nobody listens any more; the socket's file stays."""
        self.ending.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def accept(self):
        while not self.ending.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection, connection.makefile("rb") as requests:
                while self.one(connection, requests):
                    pass
        except OSError:
            pass  # the recorder had enough

    def one(self, connection, requests):
        line = requests.readline().decode()
        if not line:
            return False
        while requests.readline() not in (b"\r\n", b""):
            pass
        method, path, _ = line.split(" ", 2)
        self.not_get += method != "GET"
        self.asked.append(path)
        return self.answer(connection, path, self.behaviour)

    def answer(self, connection, path, behaviour):
        """False: this connection is done with."""
        listing = path.startswith("/containers/json")
        act = getattr(self, "act_" + behaviour.replace("-", "_"), None)
        if behaviour.startswith("stats-") and listing:
            act = None
        elif behaviour.startswith("stats-"):
            act = getattr(self, "act_" + behaviour[len("stats-"):].replace("-", "_"))
        if act is not None:
            return act(connection)
        body = self.body(path, behaviour)
        send(connection, 404 if body is None else 200, b"{}" if body is None else body)
        return True

    def body(self, path, behaviour):
        if path.startswith("/containers/json"):
            return lying_list(self.containers) if behaviour == "lie" else encode(self.containers)
        found = re.fullmatch(r"/containers/([0-9a-f]{64})/(stats|json)(\?.*)?", path)
        if found is None or found[1] not in [c["Id"] for c in self.containers]:
            return None
        if found[2] == "json":
            environment = ["PASSWORD=hunter2", '"RestartCount": 7']
            return encode({"Id": found[1], "Config": {"Env": environment},
                           "State": {"RestartCount": 8}, "RestartCount": 3})
        if behaviour == "lie":
            return lying_stats(found[1])
        self.cpu_ns += 1_000_000_000
        return encode(stats(found[1], self.cpu_ns))

    # --- without heed of what was asked; each returns whether the connection goes on ---

    def act_hang(self, _connection):
        self.ending.wait()
        return False

    def act_close(self, _connection):
        return False

    def act_dribble(self, connection):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        for byte in head + b"[" + b" " * 99998 + b"]":
            connection.sendall(bytes([byte]))
            if self.ending.wait(0.05):
                return False
        return True

    def act_garbage(self, connection):
        connection.sendall(b"\x00\xffSSH-2.0-not http\r\n\r\n" * 20)
        return False

    def act_not_json(self, connection):
        send(connection, 200, b"[{" * 10)
        return True

    def act_deep(self, connection):
        send(connection, 200, b"[" * 500_000)
        return True

    def act_many(self, connection):
        send(connection, 200, b"[" + b"0," * 900_000 + b"0]")
        return True

    def act_500(self, connection):
        send(connection, 500, b'{"message":"no"}')
        return True

    def act_redirect(self, connection):
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                           b"Content-Length: 0\r\n\r\n")
        return True

    def act_long(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n")
        return self.pour(connection, b" " * 65536)

    def act_endless(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        return self.pour(connection, b"8000\r\n" + b" " * 0x8000 + b"\r\n")

    def act_endless_headers(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        return self.pour(connection, b"X-A: b\r\n" * 1000)

    def act_endless_continue(self, connection):
        return self.pour(connection, b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    def pour(self, connection, data):
        while not self.ending.is_set():
            connection.sendall(data)
        return False


def encode(value):
    return json.dumps(value).encode()


def send(connection, code, body):
    head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    connection.sendall(head % (code, len(body)) + body)


def lying_list(containers):
    """The same twice, no ids, ids that would be another path, wrong types; too many."""
    lies = [{"Id": "../../etc/passwd", "Names": ["/a"]}, {"Id": 5}, {"Names": []}, None, 7, [],
            {"Id": "0123456789ABCDEF", "Names": ["/upper"]}, {"Id": ID % 1 + "0"}, {"Id": ""},
            {"Id": ID % 2, "Names": "no list", "Image": 5, "State": {}},
            {"Id": ID % 3, "Names": ["x" * 5000], "Image": "y" * 5000, "State": "levitating"}]
    many = [{"Id": ID % (1000 + i), "Names": ["/n%d" % i], "State": "created"} for i in range(400)]
    return encode(containers + containers + lies + many)


def lying_stats(container):
    if container == OTHER:
        return encode(stats(RUNNING, 1))  # another's
    return (b'{"id":"%s","cpu_stats":{"cpu_usage":{"total_usage":-5},'
            b'"throttling_data":{"throttled_time":1e999}},'
            b'"memory_stats":{"usage":"many","limit":18446744073709551615},'
            b'"pids_stats":{"current":99999999999999999999999},'
            b'"networks":{"eth0":{"rx_bytes":9223372036854775000,"tx_bytes":1},'
            b'"eth1":{"rx_bytes":9223372036854775000,"tx_bytes":null}},'
            b'"blkio_stats":{"io_service_bytes_recursive":{"op":"read"}}}' % container.encode())


def make(directory, name, behaviour):
    engine = Engine(os.path.join(directory, name + ".sock"))
    engine.behaviour = behaviour
    return engine
