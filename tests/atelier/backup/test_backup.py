"""Backups: all of an installation in one file, verified, and brought back into an empty one."""

import json
import subprocess
import sys
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.backup.archive import BackupDamaged, BackupManifest, open_backup
from atelier.backup.backup import BackupTooNew, NotEmpty, restore_backup, take_backup, verify_backup
from atelier.backup.offline import OfflineInstallation
from atelier.cli import main
from atelier.client.client import Client
from shared.errors import JobGone
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.owners.usage import UsageStore
from shared.webhooks.store import Deliveries
from tests.support.images import pictures
from tests.support.jobs.fake_worker import PICTURE, FakeWorker
from tests.support.small_disk import SmallDisk


def quietly(step: str, done: int, total: int) -> None:
    assert done <= total, step


def premises_of(services: Services) -> OfflineInstallation:
    return OfflineInstallation(services.settings, services.store.client, services.objects)


def take(services: Services, path: Path) -> BackupManifest:
    return take_backup(premises_of(services), path, quietly)


def bring_back(services: Services, path: Path) -> None:
    with open_backup(path) as backup:
        verify_backup(backup, quietly)
        restore_backup(premises_of(services), backup, quietly)


@pytest.fixture
def jobs(client: Client, worker: FakeWorker) -> dict[str, str]:
    """A job in every status, by status, and one that is forgotten."""
    style, content = client.files.upload(pictures.png()), client.files.upload(pictures.jpeg())
    client.styles.create("waves", pictures.webp())
    stylize = {"type": "stylize", "content": content, "styles": [{"image": style}]}
    ids = {
        name: client.jobs.create(stylize).id
        for name in ("succeeded", "failed", "canceled", "running", "gone")
    }
    ids["queued"] = client.jobs.create(stylize, idempotency_key="once").id
    worker.run(ids["succeeded"])
    worker.run(ids["gone"])
    client.jobs.delete(ids["gone"])
    worker.fail(worker.claim(ids["failed"]))
    client.jobs.cancel(ids["canceled"])
    worker.report(worker.claim(ids["running"]), 0.5)
    return ids


def test_a_restored_installation_has_every_job_as_it_was(
    services: Services, empty: Services, jobs: dict[str, str], tmp_path: Path
) -> None:
    manifest = take(services, tmp_path / "backup.tar")
    assert (manifest.records["job"], manifest.records["file"], manifest.left_out) == (5, 3, ())
    bring_back(empty, tmp_path / "backup.tar")
    for name in ("succeeded", "failed", "canceled", "queued"):
        old, new = (each.store.get(jobs[name], ANONYMOUS) for each in (services, empty))
        assert (new.status, new.spec, new.outputs, new.error) == (
            old.status,
            old.spec,
            old.outputs,
            old.error,
        )
        assert empty.queries.events(new.id) == services.queries.events(old.id)
    done = empty.store.get(jobs["succeeded"], ANONYMOUS)
    assert empty.objects.get(done.outputs[0].key) == PICTURE


def test_what_an_owner_has_is_counted_again_and_its_quota_and_usage_are_as_they_were(
    services: Services, empty: Services, jobs: dict[str, str], tmp_path: Path
) -> None:
    services.quotas.set(ANONYMOUS, {"queued": 7})
    empty.quotas.set(ANONYMOUS, {"running": 3})
    before, usage = services.quotas.read(ANONYMOUS).used, UsageStore(services.store.scripts)
    assert (before["queued"], before["running"], before["stored_bytes"] > 0) == (1, 1, True)
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    after, today = empty.quotas.read(ANONYMOUS), usage.today()
    assert after.own == {"running": 3}, "quotas are the installation's, as keys are"
    assert (after.used["queued"], after.used["running"]) == (2, 0)
    assert after.used["stored_bytes"] == before["stored_bytes"]
    taken = list(usage.read(today, today))
    assert [each.usage.jobs for each in taken] == [2]
    assert list(UsageStore(empty.store.scripts).read(today, today)) == taken
    with pytest.raises(JobGone):
        empty.store.get(jobs["gone"], ANONYMOUS)
    order = [job.id for job in services.queries.page(ANONYMOUS).items]
    assert [job.id for job in empty.queries.page(ANONYMOUS).items] == order


def test_unfinished_jobs_of_a_backup_can_be_carried_out_and_lose_no_attempt(
    services: Services, empty: Services, jobs: dict[str, str], tmp_path: Path
) -> None:
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    was_running = empty.store.get(jobs["running"], ANONYMOUS)
    assert (was_running.status, was_running.counted_attempts, was_running.crashes) == (Status.QUEUED, 0, 0)
    assert sum(line.waiting for line in empty.store.reap().lines) == 2
    for job_id in (jobs["running"], jobs["queued"]):
        job = FakeWorker(empty).run(job_id)
        assert [empty.objects.get(key) for key in job.inputs.values()]
    assert empty.store.get(jobs["running"], ANONYMOUS).attempt == 2


def test_a_restored_job_has_its_deadline_again(
    services: Services, empty: Services, client: Client, tmp_path: Path
) -> None:
    job_id = client.jobs.create({"type": "generate", "deadline_seconds": 60}).id
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    old, new = (store.get(job_id, ANONYMOUS).deadline_at for store in (services.store, empty.store))
    assert empty.store.client.zrange("atelier:deadlines", 0, -1, withscores=True) == [(job_id, new)]
    assert new is not None
    assert old is not None
    assert 0 <= new - old < 60_000  # what was left then is left now


def test_what_waits_for_its_time_waits_after_the_restore(
    services: Services, empty: Services, client: Client, tmp_path: Path
) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    job_id = client.jobs.create({"type": "generate", "not_before": later}).id
    batch_id = client.batches.create([{"type": "generate", "seed": 1}], not_before=later).id
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    assert empty.store.claim_next("w", most=10) == []
    assert empty.store.get(job_id, ANONYMOUS).not_before == int(later.timestamp() * 1000)
    assert empty.batches.get(batch_id, ANONYMOUS).not_before == int(later.timestamp() * 1000)
    empty.batches.resume(batch_id, ANONYMOUS)
    assert len(empty.store.claim_next("w", most=10)) == 1


def test_a_restored_installation_goes_on_with_keys_styles_files_and_order(
    services: Services, empty: Services, jobs: dict[str, str], tmp_path: Path
) -> None:
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    known = empty.queries.keyed(ANONYMOUS, "once")
    assert known is not None
    assert known[0] == jobs["queued"]
    (style,) = empty.styles.page(ANONYMOUS).items
    assert empty.files.get(ANONYMOUS, style.file).id == style.file
    assert empty.files.page(ANONYMOUS).items == services.files.page(ANONYMOUS).items
    client = empty.store.client
    assert client.get("atelier:sequence") == services.store.client.get("atelier:sequence")
    assert 0 < client.pttl(f"atelier:gone:{jobs['gone']}") <= empty.settings.jobs.tombstone_seconds * 1000
    for file in services.files.page(ANONYMOUS).items:
        named = f"atelier:file:{ANONYMOUS}:{file.id}"
        assert client.hget(named, "jobs") == services.store.client.hget(named, "jobs")
    users = f"atelier:file-users:{ANONYMOUS}:{style.file}"
    assert client.smembers(users) == services.store.client.smembers(users)


def test_recipes_come_back_with_all_versions_and_go_on(
    services: Services, empty: Services, client: Client, tmp_path: Path
) -> None:
    settings = {"type": "generate", "digit": 3}
    for digit in (3, 4):
        client.recipes.create("small", {**settings, "digit": digit})
    client.recipes.create("all", settings, shared=True)
    job = client.jobs.create({"type": "generate", "recipe": "small"})
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    for name, version in (("small", 1), ("small", 2), ("all", 1)):
        assert empty.recipes.get(ANONYMOUS, name, version) == services.recipes.get(ANONYMOUS, name, version)
    assert [each.reference for each in empty.recipes.page(ANONYMOUS).items] == ["small@2"]
    assert [each.reference for each in empty.recipes.shared()] == ["all@1"]
    assert empty.store.get(job.id, ANONYMOUS).spec.recipe == "small@2"
    assert empty.recipes.create(ANONYMOUS, "small", settings)[0].version == 3


def test_what_a_finished_job_had_left_to_live_it_has_left_after_the_restore(
    services: Services, empty: Services, jobs: dict[str, str], tmp_path: Path
) -> None:
    take(services, tmp_path / "backup.tar")
    with open_backup(tmp_path / "backup.tar") as backup:
        object.__setattr__(backup.manifest, "taken_at", backup.manifest.taken_at - 1_000_000)
        restore_backup(premises_of(empty), backup, quietly)
    old, new = (each.store.get(jobs["succeeded"], ANONYMOUS).expires_at for each in (services, empty))
    assert old is not None
    assert new is not None
    assert 1_000_000 <= new - old < 1_060_000


def test_what_is_to_be_told_and_by_when_is_restored(
    services: Services, empty: Services, client: Client, worker: FakeWorker, tmp_path: Path
) -> None:
    spec = {"type": "generate", "seeds": [1], "deadline_seconds": 100}
    waiting = client.jobs.create(spec).id
    told = client.jobs.create({**spec, "webhook": {"url": "http://127.0.0.1:9/told"}}).id
    worker.fail(worker.claim(told))
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    deadline = empty.store.get(waiting, ANONYMOUS).deadline_at
    assert deadline is not None
    assert empty.store.client.zscore("atelier:deadlines", waiting) == deadline
    assert empty.store.client.zscore("atelier:deadlines", told) is None
    (delivery,) = Deliveries(empty.store).of("job", told, ANONYMOUS)
    (due,) = Deliveries(empty.store).claim(9, lease_seconds=5, a_host=9)
    assert due.id == delivery.id


@pytest.mark.usefixtures("jobs")
def test_restore_refuses_an_installation_that_holds_records(services: Services, tmp_path: Path) -> None:
    take(services, tmp_path / "backup.tar")
    with pytest.raises(NotEmpty, match=r"1 style"):
        bring_back(services, tmp_path / "backup.tar")


@pytest.mark.usefixtures("jobs")
def test_a_restore_that_was_cut_off_is_repeated(services: Services, empty: Services, tmp_path: Path) -> None:
    take(services, tmp_path / "backup.tar")
    with pytest.raises(KeyboardInterrupt), open_backup(tmp_path / "backup.tar") as backup:
        restore_backup(premises_of(empty), backup, _cut_off_at_records)
    bring_back(empty, tmp_path / "backup.tar")
    assert len(empty.queries.page(ANONYMOUS).items) == 5
    assert empty.store.client.get("atelier:restoring") is None


def _cut_off_at_records(step: str, done: int, total: int) -> None:
    if step == "records" and done == total // 2:
        raise KeyboardInterrupt


@pytest.mark.usefixtures("jobs")
def test_a_cut_off_restore_is_not_repeated_over_a_job_that_came_after_it(
    services: Services, empty: Services, client: Client, tmp_path: Path
) -> None:
    take(services, tmp_path / "backup.tar")
    late = client.jobs.create({"type": "generate", "seeds": [1]})
    take(services, tmp_path / "late.tar")
    bring_back(empty, tmp_path / "late.tar")
    with open_backup(tmp_path / "backup.tar") as backup:
        empty.store.client.set("atelier:restoring", str(backup.manifest.taken_at))
        with pytest.raises(NotEmpty):
            restore_backup(premises_of(empty), backup, quietly)
    assert empty.store.get(late.id, ANONYMOUS).status is Status.QUEUED


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize("member", ["records.jsonl", "objects/outputs", "manifest.json", "manifest.sha256"])
def test_one_flipped_bit_is_found(services: Services, tmp_path: Path, member: str) -> None:
    path = tmp_path / "backup.tar"
    take(services, path)
    with tarfile.open(path) as tar:
        entry = next(entry for entry in tar.getmembers() if entry.name.startswith(member))
    data = bytearray(path.read_bytes())
    data[entry.offset_data + entry.size // 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(BackupDamaged), open_backup(path) as backup:
        verify_backup(backup, quietly)


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_file_that_was_cut_off_is_no_backup(services: Services, tmp_path: Path, kept: float) -> None:
    path = tmp_path / "backup.tar"
    take(services, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data.rstrip(b"\0")) * kept)])
    with pytest.raises(BackupDamaged), open_backup(path) as backup:
        verify_backup(backup, quietly)


def test_a_backup_of_a_later_version_is_refused(services: Services, empty: Services, tmp_path: Path) -> None:
    take(services, tmp_path / "backup.tar")
    with open_backup(tmp_path / "backup.tar") as backup:
        object.__setattr__(backup.manifest, "record_schema", 99)
        with pytest.raises(BackupTooNew):
            restore_backup(premises_of(empty), backup, quietly)


@pytest.mark.usefixtures("jobs")
def test_an_object_that_is_deleted_meanwhile_takes_its_record_along(
    services: Services, empty: Services, client: Client, worker: FakeWorker, tmp_path: Path
) -> None:
    last = worker.run(client.jobs.create({"type": "generate", "seeds": [1]}).id).id

    def delete_between(step: str, done: int, total: int) -> None:
        if step == "objects" and done == 1:
            services.store.delete(last, ANONYMOUS)
            services.objects.delete_prefix(f"outputs/{last}/")

    manifest = take_backup(premises_of(services), tmp_path / "backup.tar", delete_between)
    assert manifest.left_out == (f"job:{last}",)
    bring_back(empty, tmp_path / "backup.tar")
    assert last not in [job.id for job in empty.queries.page(ANONYMOUS).items]


def test_an_object_that_storage_has_lost_is_named(
    services: Services, jobs: dict[str, str], tmp_path: Path
) -> None:
    (output,) = services.store.get(jobs["succeeded"], ANONYMOUS).outputs
    services.objects.delete(output.key)
    assert take(services, tmp_path / "backup.tar").missing == (output.key,)


def test_a_picture_that_was_deleted_after_its_job_is_not_missed(
    services: Services, client: Client, worker: FakeWorker, tmp_path: Path
) -> None:
    photo, style = client.files.upload(pictures.jpeg()), client.files.upload(pictures.png())
    job = client.jobs.create({"type": "stylize", "content": photo, "styles": [{"image": style}]})
    worker.run(job.id)
    key = services.files.get(ANONYMOUS, photo).key
    services.files.delete(ANONYMOUS, photo)
    services.objects.delete(key)
    manifest = take(services, tmp_path / "backup.tar")
    assert (manifest.missing, manifest.left_out, manifest.records["file"]) == ((), (), 1)


def test_a_backup_that_cannot_be_completed_leaves_the_old_file(services: Services, tmp_path: Path) -> None:
    (tmp_path / "backup.tar").write_bytes(b"the old one")

    def stop(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    services.styles.page(ANONYMOUS)
    services.store.client.set("atelier:sequence", 1)
    with pytest.raises(KeyboardInterrupt):
        take_backup(premises_of(services), tmp_path / "backup.tar", stop)
    assert (tmp_path / "backup.tar").read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.glob("*backup*")] == ["backup.tar"]


@pytest.fixture
def at_home(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of the services' installation."""
    monkeypatch.setenv("REDIS_URL", services.settings.redis_url)
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path))
    return tmp_path


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.usefixtures("jobs")
def test_the_commands_back_up_check_and_restore(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(at_home / "backup.tar")
    answer = command("backup", path)
    assert (answer.exit_code, answer.stdout.split(", ")[:3]) == (
        0,
        [f"{path}: 5 jobs", "3 files", "1 style"],
    )
    assert command("backup", "--check", path).stdout.startswith(f"{path} is good: 5 jobs")
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.setenv("ATELIER_STATE_DIR", str(at_home / "new"))
    answer = command("restore", path, "--json")
    assert (answer.exit_code, json.loads(answer.stdout)["records"]["job"]) == (0, 5), answer.stderr
    again = command("restore", path)
    assert (again.exit_code, "5 job," in again.stderr) == (1, True)
    second = command("backup", str(at_home / "second.tar"), "--json")
    assert json.loads(second.stdout)["records"]["job"] == 5


@pytest.mark.usefixtures("jobs")
def test_a_backup_replaces_no_file_unless_it_is_asked_to(at_home: Path) -> None:
    path = at_home / "backup.tar"
    path.write_bytes(b"last week's")
    answer = command("backup", str(path))
    assert (answer.exit_code, "--replace" in answer.stderr, path.read_bytes()) == (2, True, b"last week's")
    assert command("backup", str(path), "--replace").exit_code == 0
    assert command("backup", "--check", str(path)).exit_code == 0


@pytest.mark.usefixtures("jobs")
def test_a_backup_goes_down_a_pipe_too(at_home: Path) -> None:
    piped = subprocess.run(
        [sys.executable, "-m", "atelier", "backup", "-"], capture_output=True, check=True, cwd=at_home
    )
    assert piped.stderr.startswith(b"-: 5 jobs, 3 files")
    (at_home / "piped.tar").write_bytes(piped.stdout)
    assert command("backup", "--check", str(at_home / "piped.tar")).exit_code == 0


def test_without_an_installation_there_is_nothing_to_back_up(
    at_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.setenv("ATELIER_STATE_DIR", str(at_home / "nowhere"))
    answer = command("backup", "backup.tar")
    assert (answer.exit_code, "holds no installation" in answer.stderr) == (1, True)
    assert not (at_home / "nowhere").exists()


@pytest.mark.usefixtures("jobs")
def test_a_container_whose_state_folder_is_read_only_restores_too(
    services: Services, empty: Services, at_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(services, at_home / "backup.tar")
    monkeypatch.setenv("REDIS_URL", empty.settings.redis_url)
    monkeypatch.setenv("ATELIER_STORAGE_URL", empty.settings.storage)
    with SmallDisk(at_home / "state", mebibytes=1) as disk:
        monkeypatch.setenv("ATELIER_STATE_DIR", str(disk.folder))
        disk.make_read_only()
        answer = command("restore", str(at_home / "backup.tar"))
    assert (answer.exit_code, answer.stdout.startswith("restored ")) == (0, True), answer.output


def test_restore_refuses_where_workers_are_at_work(
    services: Services, at_home: Path, worker: FakeWorker
) -> None:
    take(services, at_home / "backup.tar")
    services.store.client.flushall()
    worker.announce()
    answer = command("restore", str(at_home / "backup.tar"))
    assert (answer.exit_code, "workers are at work: w1" in answer.stderr) == (1, True)
