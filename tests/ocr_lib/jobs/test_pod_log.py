from ocr_lib.jobs.pod_log import PodLog, is_chatter


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


def test_what_the_launcher_says_while_it_waits_is_not_repeated() -> None:
    assert is_chatter("LAUNCH INFO 2026-11-23 Waiting peer start...")
    assert not is_chatter("node: fetching data")
