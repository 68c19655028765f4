"""A small TCP proxy whose connections a test cuts in the middle of a frame, or freezes without a reset.

    with Proxy(port) as proxy:      connect to proxy.port instead of port
        proxy.cut()                 after the next bytes, half of which still arrive
        proxy.freeze()              nothing goes through in either direction, and nobody is told
        proxy.freeze(clients_only=True)     only what the clients send is held back
        proxy.thaw()                those who waited are served again, with what was held back
        proxy.waiting()             what the clients have sent meanwhile
    proxy.accepted, proxy.cuts      how often somebody connected; how many connections were cut
"""
import contextlib
import socket
import threading


class Proxy:
    def __init__(self, port):
        self.upstream = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.accepted = self.cuts = self.held_back = 0
        self.lock = threading.Lock()
        self.pairs = []
        self.cutting = set()  # the pairs whose next bytes are their last
        self.clients_only = False
        self.held = {}  # while frozen: what was taken from a socket already
        self.open = threading.Event()
        self.open.set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                with self.lock:
                    self.accepted += 1
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        self.open.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self.upstream))
        except OSError:
            client.close()
            return
        pair = (client, server)
        for end in pair:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.pairs.append(pair)
        threading.Thread(target=self.carry, args=(pair, server, client), daemon=True).start()
        self.carry(pair, client, server)

    def carry(self, pair, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.open.is_set() and (source is pair[0] or not self.clients_only):
                    self.hold(source, data)
                if pair in self.cutting and len(data) > 1:
                    sink.sendall(data[:len(data) // 2])
                    with self.lock:
                        self.cuts += pair in self.pairs
                    break
                sink.sendall(data)
        self.end(pair)

    def hold(self, source, data):
        self.held_back += len(data)
        self.held[source] = data
        self.open.wait()
        del self.held[source]

    def end(self, pair):
        with self.lock:
            if pair in self.pairs:
                self.pairs.remove(pair)
            self.cutting.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut(self):
        """Every connection that there is now. Returns how many."""
        with self.lock:
            self.cutting.update(self.pairs)
            return len(self.pairs)

    def freeze(self, clients_only=False):
        self.clients_only = clients_only
        self.open.clear()

    def waiting(self):
        """The bytes that the clients have sent while it is frozen, as far as a look into their sockets shows."""
        seen = []
        for client, _ in list(self.pairs):
            seen.append(self.held.get(client, b""))
            with contextlib.suppress(OSError):  # nothing there, or closed
                seen.append(client.recv(1 << 20, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        return b"".join(seen)

    def thaw(self):
        self.open.set()

    def close(self):
        self.listener.close()
        self.thaw()
        for pair in list(self.pairs):
            self.end(pair)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
