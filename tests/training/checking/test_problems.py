from app.training.checking import problems
from app.training.checking.problems import MISSING_MASK, ONE_CLASS, UNUSABLE_MASK, Finding, Kind, Problem, grouped


def test_names_of_kinds_are_unique_and_every_kind_has_a_remedy() -> None:
    kinds = [kind for kind in vars(problems).values() if isinstance(kind, Kind)]
    assert len({kind.name for kind in kinds}) == len({kind.title for kind in kinds}) == len(kinds) == 18
    assert all(kind.remedy for kind in kinds)


def test_what_says_the_same_is_one_finding_and_errors_come_first() -> None:
    warning = Problem(ONE_CLASS, "a", "only water")
    unknown = [Problem(UNUSABLE_MASK, "b", "unknown value(s) [4, 5]; 0 is water"), Problem(MISSING_MASK, "c")]
    others = [Problem(UNUSABLE_MASK, "d", "unknown value(s) [17]; 0 is water"), Problem(UNUSABLE_MASK, "e", "broken")]
    assert grouped([warning, *unknown, *others]) == (
        Finding(UNUSABLE_MASK, "unknown value(s) …; … is water", (unknown[0], others[0])),
        Finding(MISSING_MASK, "", (unknown[1],)),
        Finding(UNUSABLE_MASK, "broken", (others[1],)),
        Finding(ONE_CLASS, "only water", (warning,)),
    )


def test_numbers_asides_and_colours_differ_between_problems_of_a_kind() -> None:
    details = [
        ("mask 3×4, picture 5×6", "mask 30×40, picture 50×60"),
        ("cannot be read (truncated)", "cannot be read (not a PNG)"),
        ("unknown colour(s) #00ff00", "unknown colour(s) #00ff01, #123456"),
    ]
    for one, other in details:
        (finding,) = grouped([Problem(UNUSABLE_MASK, "a", one), Problem(UNUSABLE_MASK, "b", other)])
        assert "…" in finding.detail
        assert [problem.detail for problem in finding.problems] == [one, other]


def test_the_same_detail_is_shown_in_full() -> None:
    (finding,) = grouped([Problem(UNUSABLE_MASK, name, "value 7 (a hole)") for name in "ab"])
    assert finding.detail == "value 7 (a hole)"
    assert grouped([]) == ()
