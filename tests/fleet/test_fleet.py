"""Jobs on the nodes of a real Ray cluster: where they go, what comes home, what is refused."""

from __future__ import annotations

from tests.fleet.conftest import Fleet


def test_jobs_run_on_nodes_and_their_rows_come_home(fleet: Fleet) -> None:
    jobs = [fleet.add() for _ in range(4)]
    fleet.dispatcher().run(drain=True)
    for job_id in jobs:
        job = fleet.store.job(job_id)
        assert (job.state, job.reason, job.cases_done) == ("done", None, 2)
        assert job.log_path is not None
        assert f"hello from job {job_id}" in open(job.log_path).read()
        assert job.node is not None
    assert sorted(fleet.lines("cases.txt")) == sorted(f"{j} case-{c}" for j in jobs for c in (0, 1))
