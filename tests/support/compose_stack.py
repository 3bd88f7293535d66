"""Runs the compose stack with a real engine, as its README says, and kills parts of it from outside."""

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Container:
    """One container as the engine describes it now."""

    facts: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.facts["Id"])

    @property
    def pid(self) -> int:
        """Its first process, seen from the host; 0 while it is stopped."""
        return int(self.facts["State"]["Pid"])

    @property
    def restarts(self) -> int:
        return int(self.facts["RestartCount"])

    @property
    def health(self) -> str:
        return str(self.facts["State"]["Health"]["Status"])

    @property
    def exit_status(self) -> int:
        return int(self.facts["State"]["ExitCode"])


class ComposeStack:
    """The project's compose file under another project name, so that no other installation is touched."""

    def __init__(self, *, project: str, tag: str) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.project = project
        self.environ = _environ() | {"PUBLISHED_PORT": str(port), "IMAGE_TAG": tag}

    def compose(self, *arguments: str) -> str:
        """Run `docker compose`; return what it printed, its progress aside."""
        head = ["docker", "compose", "--project-name", self.project, "--env-file", ".env.example"]
        return _run([*head, *arguments], self.environ)

    def follow(self, commands: str, folder: Path) -> None:
        """Run commands of a page in a folder as they stand, but for the names of project and images."""
        commands = re.sub(r"\batelier_(\w+)", rf"{self.project}_\1", commands)
        commands = re.sub(r"\batelier-api ", f"atelier-api:{self.environ['IMAGE_TAG']} ", commands)
        named = {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": str(ROOT / "docker-compose.yml"),
            "COMPOSE_DISABLE_ENV_FILE": "1",
        }
        _run(["sh", "-euxc", commands], self.environ | named, folder)

    def start(self, *services: str, build: bool = False, workers: int = 1) -> None:
        """Bring everything up, or some services; returns when every container is healthy."""
        self.compose(
            "up",
            "--wait",
            "--wait-timeout=300",
            *([] if services else [f"--scale=worker={workers}"]),
            *(["--build"] if build else ["--no-build"]),
            *services,
        )

    def remove(self) -> None:
        """Remove containers, networks and volumes; images stay."""
        self.compose("down", "--volumes", "--timeout=5")

    def containers(self, *services: str) -> list[Container]:
        """Return the containers of some services, running or not; without names those of all."""
        ids = self.compose("ps", "--all", "--quiet", *services).split()
        return [Container(facts) for facts in json.loads(_run(["docker", "inspect", *ids], self.environ))]

    def container(self, container_id: str) -> Container:
        """Return one container as it is now."""
        return Container(json.loads(_run(["docker", "inspect", container_id], self.environ))[0])

    def kill(self, container: Container) -> None:
        """Kill its first process as a crash would.

        The engine takes `docker kill` as asked for and restarts nothing, and no process can kill the first of
        its own container: so it is done from a container that sees all processes of the machine.
        """
        command = [
            "docker",
            "run",
            "--rm",
            "--pid=host",
            "--user=0",
            f"atelier-api:{self.environ['IMAGE_TAG']}",
        ]
        _run([*command, "sh", "-c", f"kill -9 {container.pid}"], self.environ)

    def has_recovered(self, container: Container) -> bool:
        """Whether the engine has started it again since, and it is healthy."""
        now = self.container(container.id)
        return now.restarts > container.restarts and now.health == "healthy"

    def run_in(self, service: str, *command: str) -> str:
        """Run a command in a service's first container; return what it printed."""
        return self.compose("exec", "--no-TTY", service, *command)

    def print_logs(self) -> None:
        """Show the output of the stack, to find the cause of a failure."""
        print(self.compose("logs", "--no-color", "--tail=60"))


def _environ() -> dict[str, str]:
    """Return this process's environment without what would configure the stack."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("ATELIER_", "COMPOSE_"))
    }


def _run(command: list[str], environ: dict[str, str], folder: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-6000:])
        done.check_returncode()
    return done.stdout


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
