"""A worker by Celery with the program's options. Arguments: the server's URL, the number of slots.

A task waits until the list `go` of the server holds something for it. The keys `ready`, `stopping`, `begun`,
`open` and `silence` show what happens. While the key `closed` exists, no message is taken.
"""

import sys
import threading
import time
from functools import partial

from celery.signals import worker_ready, worker_shutting_down
from kombu.transport.redis import Channel

from shared.queue.celery_app import IO_QUEUE, SWEEP, make_celery
from shared.queue.consumer import Intake, Pulse, WorkerConsumer
from shared.redis.client import connect
from shared.settings import Settings

url, slots = sys.argv[1:]
client = connect(url)
app = make_celery(Settings(redis_url=url))
pulse, intake = Pulse(), Intake()
app.conf.worker_consumer = partial(WorkerConsumer, pulse=pulse, intake=intake)
Channel.do_restore = False


@app.task(name=SWEEP)
def work() -> None:
    client.set("silence", pulse.silence_seconds)
    client.incr("begun")
    while not client.lpop("go"):
        time.sleep(0.01)


def watch() -> None:
    while True:
        intake.set_open(not client.exists("closed"))
        client.set("open", int(intake.is_open))
        time.sleep(0.05)


threading.Thread(target=watch, daemon=True).start()
worker_ready.connect(lambda **_: client.set("ready", 1), weak=False)
worker_shutting_down.connect(lambda **_: client.set("stopping", 1), weak=False)
options = ["--pool=threads", f"--concurrency={slots}", f"--queues={IO_QUEUE}", "--loglevel=WARNING"]
quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
app.worker_main(["--quiet", "worker", *options, *quiet])
