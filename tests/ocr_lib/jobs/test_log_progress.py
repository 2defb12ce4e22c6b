from ocr_lib.jobs.log_progress import LogProgress, PodLog, is_progress

STEP = (
    "[2026/11/23 14:40:14] ppocr INFO: epoch: [12/60], global_step: 182, lr: 0.000016, "
    "loss: 9.522, ips: 70.56 samples/s, eta: 0:01:20"
)


def test_lines_read_twice_are_shown_once_whatever_the_zeros_of_their_times() -> None:
    log = PodLog("worker-0")
    first = log.read("2026-11-23T14:00:00.5Z a\n2026-11-23T14:00:00.51Z b\n")
    again = log.read("2026-11-23T14:00:00.51Z b\n2026-11-23T14:00:01Z c\nnonsense\n")
    assert [line.text for line in first + again] == ["a", "b", "c"]


def test_a_worker_is_called_by_its_rank_once_it_knows() -> None:
    log = PodLog("worker-2")
    assert log.prefix == "[worker-2] "
    log.read("2026-11-23T14:00:00Z OCR_RANK 1 4\n")
    assert log.prefix == "[rank 1] "


def test_waiting_for_each_other_is_no_progress() -> None:
    for line in (STEP, "node: fetching data", "downloading 40% 2/5 files, 1/s, ETA 0:03"):
        assert is_progress(line)
    for line in ("LAUNCH INFO 2026-11-23 Waiting peer start...", "", "Traceback"):
        assert not is_progress(line)


def test_progress_and_eta_are_heard() -> None:
    heard = LogProgress()
    heard.hear("LAUNCH INFO hello", 1.0)
    assert heard.progress_at is None
    heard.hear(STEP, 2.0)
    assert (heard.progress_at, heard.step) == (2.0, 182)
    assert heard.line == "epoch 12 of 60, step 182, ETA 0:01:20"
