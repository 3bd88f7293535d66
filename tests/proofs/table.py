"""The table of proofs: for each promise the tests that hold it, and what they must notice is missing."""

from tests.proofs.trial import Edit, Proof

_CRASHES = "tests/crash_points/test_crash_points.py::test_a_job_outlives_the_process"
_POISON = "tests/crash_points/test_poison.py"
_CLOCKS = "tests/crash_points/test_wrong_clocks.py"
_LUA = "shared/redis/lua"
_NO_TAKING_BACK = Edit(
    f"{_LUA}/jobs/reap.lua", "ZRANGEBYSCORE', LEASES, '-inf', now,", "ZRANGEBYSCORE', LEASES, '-inf', 0,"
)

PROOFS = (
    Proof(
        "P1",
        "the reaper rings jobs again whose doorbell was lost",
        f"{_CRASHES}[worker.before-claim]",
        (
            Edit(
                "shared/maintenance/reaper.py",
                "self._queue.notify_for(line.waiting, line.first, line.lane)",
                "pass",
            ),
        ),
    ),
    Proof(
        "P1",
        "the server writes what it accepts to a file",
        "tests/e2e/test_kills.py::test_accepted_jobs_go_on_when_the_server_is_killed",
        (Edit("atelier/local/redis_server.py", '"appendonly": "yes"', '"appendonly": "no"'),),
    ),
    Proof(
        "P1",
        "an item of a batch that lost its worker goes back into its owner's line",
        "tests/reliability/test_batch_kill.py"
        "::test_a_worker_killed_in_the_middle_of_a_batch_costs_no_item_and_doubles_none",
        (
            Edit(
                f"{_LUA}/includes/queues.lua",
                "enqueue(lane, owner, order, id)",
                "if not job_value(id, 'batch') then enqueue(lane, owner, order, id) end",
            ),
        ),
    ),
    Proof(
        "P2",
        "a move must carry the number of the current attempt",
        "tests/shared/jobs/test_job_attempts.py::test_a_worker_that_lost_its_lease_changes_nothing",
        (
            Edit(
                f"{_LUA}/includes/attempts.lua",
                "if status == 'running' and current == attempt then return 'ok' end",
                "if status == 'running' then return 'ok' end",
            ),
        ),
    ),
    Proof(
        "P2",
        "only a running job can be ended by a worker",
        "tests/shared/jobs/test_store.py::test_a_running_job_is_canceled_at_once_and_its_worker_told",
        (
            Edit(
                f"{_LUA}/includes/attempts.lua",
                "if status == 'running' and current == attempt then return 'ok' end",
                "if current == attempt then return 'ok' end",
            ),
        ),
    ),
    Proof(
        "P3",
        "the reaper takes back leases that ran out",
        f"{_CRASHES}[worker.after-claim]",
        (_NO_TAKING_BACK,),
    ),
    Proof(
        "P3",
        "the reaper takes back leases that ran out",
        "tests/reliability/test_takeover.py::test_jobs_are_taken_over_in_time",
        (_NO_TAKING_BACK,),
    ),
    Proof(
        "P4",
        "a worker tries every second to reach the server, however long it was away",
        "tests/reliability/test_server_restart.py"
        "::test_every_worker_takes_jobs_soon_after_the_server_answers_again[30]",
        (
            Edit(
                "shared/queue/consumer.py",
                "conn.ensure_connection = partial(self._connect, conn.ensure_connection)",
                "pass",
            ),
        ),
    ),
    Proof(
        "P5",
        "reads that wait at the server are given up when its answer is overdue",
        "tests/reliability/test_broken_connections.py"
        "::test_a_worker_whose_connections_are_black_holed_consumes_again",
        (Edit("shared/queue/celery_app.py", "HEALTH_CHECK_SECONDS = 2 ", "HEALTH_CHECK_SECONDS = 3600 "),),
    ),
    Proof(
        "P6",
        "a job that lost too many workers fails",
        f"{_POISON}::test_a_picture_that_kills_at_decode_takes_nobody_along",
        (Edit(f"{_LUA}/jobs/reap.lua", "if crashes >= crash_budget then", "if false then"),),
    ),
    Proof(
        "P6",
        "a job that lost a worker never runs in a micro-batch",
        "tests/worker/execution/test_running_alone.py::test_a_job_that_lost_a_worker_runs_alone",
        (Edit("worker/kinds/generation.py", "alone=attempt.job.crashes > 0", "alone=False"),),
    ),
    Proof(
        "P6",
        "a worker runs one job at a time of those that lost two workers",
        "tests/shared/jobs/test_crash_company.py::test_a_worker_runs_one_job_that_lost_two_workers_at_a_time",
        (
            Edit(
                f"{_LUA}/jobs/claim.lua",
                "if is_suspect(crashes) and holds_suspect() then return 'suspect' end",
                "",
            ),
        ),
    ),
    Proof(
        "P7",
        "the script that accepts a job looks its key up",
        "tests/crash_points/test_same_key.py::test_fifty_equal_requests_at_once_make_one_job",
        (
            Edit(
                f"{_LUA}/includes/idempotency.lua",
                "if known then return existing_or_mismatch(known, known_fingerprint, fingerprint) end",
                "",
            ),
        ),
    ),
    Proof(
        "P7",
        "the script that accepts a job looks its id up",
        "tests/crash_points/test_same_key.py::test_fifty_puts_under_one_id_at_once_make_one_job",
        (
            Edit(
                f"{_LUA}/jobs/submit.lua",
                "if known_owner then return existing_or_mismatch(id, known_fingerprint, fingerprint) end",
                "",
            ),
        ),
    ),
    Proof(
        "P8",
        "scripts take the time from the server",
        _CLOCKS + "::test_a_job_tells_the_right_times",
        (
            Edit(
                f"{_LUA}/includes/records.lua",
                "local now = own_time >= looked and own_time or math.max(own_time + (seen[2] or 0), looked)",
                "local now = tonumber(KEYS[2])",
            ),
            Edit(
                "shared/redis/scripts.py",
                "(keys=[self.keys.prefix], args",
                "(keys=[self.keys.prefix, str(int(__import__('time').time() * 1000))], args",
            ),
        ),
    ),
    Proof(
        "P9",
        "moves of accepted jobs may write while the server is out of memory",
        "tests/shared/jobs/test_full_server.py"
        "::test_accepted_jobs_make_every_move_while_the_server_is_out_of_memory",
        (Edit("shared/redis/scripts.py", '= "#!lua flags=allow-oom\\n"', '= ""'),),
    ),
    Proof(
        "P9",
        "a job whose result finds no room waits, uncounted",
        "tests/reliability/test_full.py::test_p9_accepted_jobs_outlast_a_full_disk_and_new_ones_are_refused",
        (
            Edit(
                "worker/runner.py",
                "if isinstance(error, StorageUnavailable) and not isinstance(error, ObjectDamaged):",
                "if False:",
            ),
        ),
    ),
    Proof(
        "P10",
        "a worker that stops gives back what it has not finished, uncounted",
        f"{_CRASHES}[worker.after-release]",
        (Edit(f"{_LUA}/includes/moves.lua", "redis.call('HINCRBY', job_key(id), 'released', 1)", ""),),
    ),
    Proof(
        "P10",
        "a worker that stops gives back what it has not finished, and rings for it",
        "tests/reliability/test_drain.py::test_unfinished_work_starts_elsewhere_at_once_and_counts_nothing",
        (
            Edit(
                "worker/process/model_worker.py",
                "self._hand_on(release_all(self._base.hasty_store, held))",
                "release_all(self._base.hasty_store, [])",
            ),
        ),
    ),
    Proof(
        "P11",
        "a strict server syncs its journal before it answers",
        "tests/atelier/commands/test_strict.py::test_an_installation_that_is_started_strict_has_such_a_server",
        (Edit("atelier/local/redis_server.py", '"always" if strict else "everysec"', '"everysec"'),),
    ),
    Proof(
        "P11",
        "a journal that was cut at its end is loaded up to there",
        "tests/atelier/local/test_aof_repair.py::test_a_torn_end_is_cut_away_and_told_and_all_else_is_there[7]",
        (Edit("atelier/local/redis_server.py", '"aof-load-truncated": "yes"', '"aof-load-truncated": "no"'),),
    ),
)
