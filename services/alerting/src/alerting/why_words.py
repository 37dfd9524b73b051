"""What is said to people of an event that was judged again."""

from alerting.judged_again import JudgedEvent


def sentence(one: JudgedEvent, state: str | None) -> str:
    """What became of an event; `state` is that of its reminder, None: there is none."""
    if one.taken_back:
        return "a later booking reverses it, so it counts for nothing"
    if one.outcome == "not_applicable":
        said = "not of the kind, direction or currency that the rule looks at, or a reversal"
    elif one.outcome == "error":
        said = "the rule raises an error on it; see the dead letters"
    elif one.outcome == "below":
        said = f"below: {_compared(one)}"
    else:
        missing = "may be MISSING" if one.otherwise else "MISSING"
        said = f"fires: {_compared(one)}; {state or missing}: reminder {one.reminder_id}"
    return said + _then(one, state) + _later(one)


def _compared(one: JudgedEvent) -> str:
    rests_on = {"value": one.value, "threshold": one.threshold, **one.facts}
    said = [f"{name.replace('_', ' ')} {it}" for name, it in rests_on.items() if it is not None]
    compared = ", ".join([*said, f"version {one.version}"])
    if one.parameters_of:
        compared += f", parameters of {one.parameters_of}"
    if one.unknown:
        compared += f" ({' and '.join(one.unknown)} not known)"
    return compared


def _then(one: JudgedEvent, state: str | None) -> str:
    """What it was when it came, where it is not that any more."""
    if one.fired_at is None or one.outcome == "fired":
        return ""
    return (
        f"; yet it fired at {one.fired_at:%Y-%m-%dT%H:%M:%SZ} by version {one.version} for "
        f"reminder {one.reminder_id} ({state or 'no longer kept'}), as it was told otherwise then"
    )


def _later(one: JudgedEvent) -> str:
    """What is not known: when it was judged, and so by which version."""
    said = [
        f"; by version {it.version}, in force since {it.since:%Y-%m-%dT%H:%M:%SZ}, "
        f"{'it would fire' if it.outcome == 'fired' else f'it is {it.outcome}'.replace('_', ' ')}"
        for it in one.otherwise
    ]
    if said:
        said.append(" (which of them judged it is not kept, as it raised nothing)")
    return "".join(said)
