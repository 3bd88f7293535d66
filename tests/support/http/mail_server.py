"""A mail server of a few commands: it keeps what it takes, and answers as a test has chosen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


@dataclass
class MailServer:
    """Where it listens, the commands that came, and the mails that it took."""

    url: str = ""
    recipient_answer: str = "250 fine"
    commands: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    def answer(self, command: str) -> str:
        """Return what it says."""
        if command.startswith("EHLO"):
            return "250-here\r\n250 AUTH PLAIN"
        return self.recipient_answer if command.startswith("RCPT") else "250 fine"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Listen on a free loopback port for the length of the block; TLS is not offered."""
    state = MailServer()

    class Session(StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 ready")
            for line in iter(self.rfile.readline, b""):
                command = line.decode("ascii").strip()
                state.commands.append(command)
                if command.upper() == "DATA":
                    self.say("354 go on")
                    state.mails.append(self.read_mail())
                if command.upper() == "QUIT":
                    return  # without a goodbye, which must not count
                self.say(state.answer(command.upper()))

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def read_mail(self) -> EmailMessage:
            lines = list(iter(self.rfile.readline, b".\r\n"))
            return message_from_bytes(b"".join(lines), policy=policy.default)

    with ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        state.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        server.shutdown()
        thread.join()
