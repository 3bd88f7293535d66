"""What an API process does besides answering: it reaps, so that no single worker is needed for that."""

from api.services import Services
from shared.garbage import Garbage
from shared.reaper import Reaper


def start_background(services: Services) -> Reaper:
    """Start the reaper's thread and return it; it ends with the process."""
    garbage = Garbage(services.store.client, services.objects)
    reaper = Reaper(services.store, services.batches, services.queue, garbage)
    reaper.start()
    return reaper
